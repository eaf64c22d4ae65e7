import type {ByteString} from '../byte-string.js'
import {PartUnavailable} from '../chunked/part-unavailable.js'
import {readTarSplit} from '../chunked/read-tar-split.js'
import type {FetchedContent} from './fetched-content.js'
import {createGathering} from './gathering.js'
import {
  filesOf,
  type Piece,
  type RebuildPlan,
  type RebuildSources,
  type TableFile,
} from './plan-rebuild.js'

/** What a tar is put together from. */
export interface TarSources extends RebuildSources {
  /** As it is stored. */
  readonly tarSplit: Uint8Array
  readonly plan: RebuildPlan
  readonly fetched: FetchedContent
}

const zeros = new Uint8Array(64 * 1024)

/**
 * The tar of a layer, which nothing has proved yet: a file may have changed since the plan was
 * made, and the tar-split may lie. A chunk is valid until the next one is asked for. Closes the
 * files and what is fetched. Throws `PartUnavailable`, and what `readTarSplit`, `localPath` and
 * fetching throw.
 */
export async function* rebuiltTar({
  tarSplit,
  plan,
  fetched,
  ...sources
}: TarSources): AsyncGenerator<Uint8Array, void, undefined> {
  const {files, localPath} = sources
  const out = createGathering()
  const contents = filesOf(sources.table)
  let number = 0
  try {
    for await (const part of readTarSplit(tarSplit)) {
      if (part.kind === 'bytes') {
        if (!out.takes(part.bytes)) yield* out.fill(part.bytes)
      } else if (part.size > 0) {
        const file = contents.next()
        if (file.done === true || file.value.entry.size !== part.size)
          throw new PartUnavailable('the tar-split and the table of contents do not match')
        for (const piece of plan.piecesOf(number++) ?? [whole(file.value)])
          for await (const bytes of contentOf(piece, file.value))
            if (!out.takes(bytes)) yield* out.fill(bytes)
      }
    }
    yield out.rest()
  } finally {
    files.close()
    await fetched.close()
  }

  function contentOf(
    piece: Piece,
    {entry}: TableFile,
  ): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
    if (piece.kind === 'fetched') return fetched.next(piece)
    if (piece.kind === 'zeros') return zerosOf(piece.size)
    const path: ByteString | undefined = localPath(entry)
    if (path === undefined) throw new Error('a file has no place in the directory')
    return files.read(path, piece.offset, piece.size)
  }
}

function whole({entry: {size}}: TableFile): Piece {
  return {kind: 'local', offset: 0, size}
}

function* zerosOf(size: number): Generator<Uint8Array, void, undefined> {
  for (let left = size; left > 0; left -= zeros.length) yield zeros.subarray(0, left)
}
