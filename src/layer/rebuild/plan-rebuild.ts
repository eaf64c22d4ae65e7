import {createHash} from 'node:crypto'
import {createTurn} from '../../stream/take-turns.js'
import type {ByteString} from '../byte-string.js'
import type {ContentPlace, FilePlace, LayerTable, TableEntry} from '../chunked/table.js'
import type {Entry} from '../entry.js'
import {findChunks} from './find-chunks.js'
import type {LocalFiles} from './local-files.js'

/** A part of a file's content, and where it comes from. */
export type Piece =
  | {readonly kind: 'local'; readonly offset: number; readonly size: number}
  | {readonly kind: 'zeros'; readonly size: number}
  | FetchedPiece

/** Content that only the layer has. */
export interface FetchedPiece {
  readonly kind: 'fetched'
  readonly size: number
  readonly place: ContentPlace
}

/** How the content of all files of a layer is had. */
export interface RebuildPlan {
  /** Of a file, by its number among those with content; `undefined`: the local file is right. */
  readonly piecesOf: (number: number) => readonly Piece[] | undefined
  /** All pieces that are fetched, in the order of the layer. */
  readonly fetched: readonly FetchedPiece[]
}

/** What a plan is made of. */
export interface RebuildSources {
  readonly table: LayerTable
  readonly files: LocalFiles
  /** Where a file of the layer is in the directory; `undefined`: nowhere. */
  readonly localPath: (entry: Entry) => ByteString | undefined
}

/** What a plan may come to, in bytes. */
export interface RebuildLimits {
  /** What is fetched. */
  readonly fetched: number
  /** The content of all files. */
  readonly content: number
}

/** A file that has content, as a table of contents has it. */
export interface TableFile {
  readonly entry: Entry & {readonly kind: 'file'}
  readonly place: FilePlace
}

/**
 * Compares the files of a directory with a table of contents, by their content: sizes and digests,
 * those of chunks where a file differs. `undefined` if that would take more than the limits.
 * Throws `PartUnavailable` for a file that cannot be read, the signal's reason, and what
 * `localPath` throws.
 */
export async function planRebuild(
  {table, files, localPath}: RebuildSources,
  limits: RebuildLimits,
  signal: AbortSignal,
): Promise<RebuildPlan | undefined> {
  const pieces = new Map<number, readonly Piece[]>()
  const fetched: FetchedPiece[] = []
  const turn = createTurn(signal)
  let number = 0
  let [toFetch, content] = [0, 0]
  for (const file of filesOf(table)) {
    content += file.entry.size
    const path = localPath(file.entry)
    const found = path === undefined ? missing(file) : await compare(file, path)
    if (found) pieces.set(number, found)
    for (const piece of found ?? []) {
      if (piece.kind !== 'fetched') continue
      fetched.push(piece)
      toFetch += piece.place.end - piece.place.at
    }
    if (toFetch > limits.fetched || content > limits.content) return undefined
    number++
    if (turn.isOver()) await turn.giveTurn()
  }
  return {piecesOf: (number) => pieces.get(number), fetched}

  async function compare(file: TableFile, path: ByteString): Promise<readonly Piece[] | undefined> {
    const {entry, place} = file
    const size = files.sizeOf(path)
    if (size === undefined) return missing(file)
    if (size === entry.size && (await digestOf(path, size)) === place.digest) return undefined
    if (place.chunks.length === 0) return missing(file)
    const chunks = await findChunks(inTurns(path, size), size)
    return place.chunks.map((chunk) => {
      const {size, isZeros} = chunk
      if (isZeros) return {kind: 'zeros', size}
      const offset = chunks.get(`${chunk.digest} ${size}`)
      return offset === undefined
        ? {kind: 'fetched', size, place: chunk}
        : {kind: 'local', offset, size}
    })
  }

  async function digestOf(path: ByteString, size: number): Promise<string> {
    const hash = createHash('sha256')
    for await (const bytes of inTurns(path, size)) hash.update(bytes)
    return `sha256:${hash.digest('hex')}`
  }

  async function* inTurns(path: ByteString, size: number): AsyncGenerator<Uint8Array> {
    for (const bytes of files.read(path, 0, size)) {
      yield bytes
      if (turn.isOver()) await turn.giveTurn()
    }
  }
}

/** The files that have content, in the order of the layer. */
export function* filesOf(table: LayerTable): Generator<TableFile, void, undefined> {
  for (const each of table.entries()) if (isTableFile(each)) yield each
}

function isTableFile(each: TableEntry): each is TableFile {
  return each.entry.kind === 'file' && each.place !== undefined
}

function missing({entry: {size}, place}: TableFile): readonly Piece[] {
  return [{kind: 'fetched', size, place}]
}
