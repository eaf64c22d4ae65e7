import {isDeepStrictEqual} from 'node:util'
import type {ByteStream} from '../../store/content-store.js'
import type {Entry} from '../entry.js'
import {mostSparseBytes, unpackLimits} from '../limits.js'
import {normalisePath} from '../normalise-path.js'
import {blockSize, encodeHeader} from '../tar/encode-header.js'
import {createTarReader} from '../tar/reader.js'
import type {TarHandler} from '../tar/tar-handler.js'
import type {WalkedEntry} from '../tree/walked-entry.js'
import {withContent} from './blocks/write-tar.js'

/** How the entries of an archive change while their content stays. */
export interface RepackPlan {
  /**
   * By the number of an entry: what is written in its place. A file without content in memory has
   * that of the entry and comes last.
   */
  readonly places: readonly (readonly WalkedEntry[])[]
  /** Entries to add at the end. */
  readonly rest: readonly WalkedEntry[]
  /** Seconds since the epoch, of the newest entry. */
  readonly newestMtime: number
}

/**
 * Reads the headers of an archive and asks `change` for the entries that it is to have: files of
 * it, in their order, and anything without content, or with content in memory. `undefined` when
 * they are the same.
 */
export async function planRepack(
  tar: ByteStream,
  change: (entries: Iterable<WalkedEntry>) => Iterable<WalkedEntry>,
  signal: AbortSignal,
): Promise<RepackPlan | undefined> {
  const found: Entry[] = []
  const onEntry = (entry: Entry): void => void found.push(plain(entry))
  await read(tar, {...ignored, entry: onEntry}, signal)
  const places: WalkedEntry[][] = found.map(() => [])
  let at = -1
  const walked = function* (): Generator<WalkedEntry> {
    for (const entry of found) {
      at++
      yield {entry}
    }
    at = found.length
  }
  const rest: WalkedEntry[] = []
  let newestMtime = 0
  for (const {entry, content} of change(walked())) {
    ;(places[at] ?? rest).push(content ? {entry, content} : {entry})
    newestMtime = Math.max(newestMtime, entry.mtime)
  }
  const isSame =
    rest.length === 0 &&
    isDeepStrictEqual(
      places,
      found.map((entry) => [{entry}]),
    )
  return isSame ? undefined : {places, rest, newestMtime}
}

/** The archive that results from the plan. */
export async function* repackedTar(
  tar: ByteStream,
  {places, rest}: RepackPlan,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const ready: Uint8Array[] = []
  let number = 0
  let size = 0
  let isCopied = false
  const write = (entries: readonly WalkedEntry[]): void => {
    for (const {entry, content} of entries) {
      const header = encodeHeader(entry)
      ready.push(content ? withContent(header, content) : header)
    }
  }
  const handler: TarHandler = {
    entry() {
      const entries = places[number++] ?? []
      const last = entries.at(-1)
      isCopied = last?.entry.kind === 'file' && last.content === undefined
      write(entries)
      size = 0
    },
    data(bytes) {
      if (!isCopied) return
      size += bytes.length
      ready.push(Uint8Array.from(bytes))
    },
    hole(zeros) {
      if (!isCopied) return
      size += zeros
      for (let left = zeros; left > 0; left -= largestHole)
        ready.push(new Uint8Array(Math.min(left, largestHole)))
    },
    entryEnd() {
      if (size % blockSize > 0) ready.push(new Uint8Array(blockSize - (size % blockSize)))
    },
  }
  const reader = readerOf(handler)
  for await (const chunk of tar) {
    signal.throwIfAborted()
    reader.write(chunk)
    yield* ready.splice(0)
  }
  reader.end()
  write(rest)
  ready.push(new Uint8Array(2 * blockSize))
  yield* ready
}

/** Zeros are written in pieces of this many bytes. */
const largestHole = 1024 * 1024

const ignored: TarHandler = {
  entry: () => undefined,
  data: () => undefined,
  hole: () => undefined,
  entryEnd: () => undefined,
}

function readerOf(handler: TarHandler) {
  const {entries} = unpackLimits
  return createTarReader(handler, {entries, mayLackMarker: true, sparseBytes: mostSparseBytes})
}

async function read(tar: ByteStream, handler: TarHandler, signal: AbortSignal): Promise<void> {
  const reader = readerOf(handler)
  for await (const chunk of tar) {
    signal.throwIfAborted()
    reader.write(chunk)
  }
  reader.end()
}

/** With paths as entries have them. */
function plain(entry: Entry): Entry {
  const path = normalisePath(entry.path) ?? entry.path
  return entry.kind === 'hardlink'
    ? {...entry, path, target: normalisePath(entry.target) ?? entry.target}
    : {...entry, path}
}
