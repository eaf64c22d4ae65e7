import type {FileState} from '../tree/file-state.js'
import {packColumns, unpackColumns} from './columns/column-rows.js'
import type {PackedRows} from './rows/packed-rows.js'
import {decodeRowLayers, encodeRowLayers, type RowLayers} from './columns/row-layers.js'
import {RowNumbers} from './rows/row-numbers.js'
import {stateAt, type WalkColumns} from './columns/walk-columns.js'

/** What a walk of a directory found. */
export interface PackedWalk {
  readonly rows: PackedRows
  /** The state of the directory itself. */
  readonly root: FileState
  /** Which layers of a slot the rows come from; `undefined` if that is not known. */
  readonly layers?: RowLayers | undefined
  /**
   * Hard links have the same state as the file that they link to, as long as no directory changes:
   * nothing is mounted over names of the tree.
   */
  readonly areLinksAlike: boolean
}

/** What is kept with a walk, whatever it says. */
interface WalkNotes {
  /** At most `longestNote` bytes. */
  readonly note: Uint8Array
  readonly division: Uint8Array
}

export type KeptBytes = PackedWalk & WalkNotes

/** Of this encoding, of what a walk finds, and of looks: another one when any of them changes. */
const version = 4
const headerBytes = 256
const lengthsInHeader = 7
const noteAt = 4 * lengthsInHeader + 4
const longestNote = 40
const rootAt = 128
/** Larger pieces are written as they are. */
const small = 64 * 1024

/** For this machine, in the order of its bytes; in pieces, because together they may be large. */
export function encodeWalk({
  rows,
  root,
  layers,
  areLinksAlike,
  note,
  division,
}: KeptBytes): readonly Uint8Array[] {
  const header = Buffer.alloc(headerBytes)
  const tail = layers ? encodeRowLayers(layers) : new Uint8Array(0)
  const bytes = rows.pieces.reduce((sum, {length}) => sum + length, 0)
  const lengths = [rows.count, bytes, note.length, division.length, tail.length]
  bytesIn(Uint32Array.of(version, Number(areLinksAlike), ...lengths)).copy(header)
  header.set(note, noteAt)
  const state = new RowNumbers()
  state.putState(root)
  bytesIn(state.words).copy(header, rootAt)
  return joined([header, ...rows.pieces, division, tail])
}

/** `undefined` for what is not of this version, or not whole. */
export function decodeWalk(encoded: Uint8Array): KeptBytes | undefined {
  const {buffer, byteOffset, byteLength} = encoded
  if (byteLength < headerBytes) return undefined
  const all = Buffer.from(buffer, byteOffset, byteLength)
  // numbers must lie at places that their size divides
  const header = new Uint8Array(all.subarray(0, headerBytes)).buffer
  const [
    own,
    alike,
    count = 0,
    rowsLength = 0,
    noteLength = 0,
    divisionLength = 0,
    tailLength = 0,
  ] = new Uint32Array(header, 0, lengthsInHeader)
  const divisionAt = headerBytes + rowsLength
  const tailAt = divisionAt + divisionLength
  if (own !== version || byteLength !== tailAt + tailLength) return undefined
  const state = new RowNumbers()
  state.words.set(new Int32Array(header, rootAt, state.words.length))
  return {
    rows: {pieces: [all.subarray(headerBytes, divisionAt)], count},
    root: state.state(),
    layers: decodeRowLayers(all.subarray(tailAt), count),
    areLinksAlike: alike === 1,
    note: all.subarray(noteAt, noteAt + Math.min(noteLength, longestNote)),
    division: all.subarray(divisionAt, tailAt),
  }
}

/** The rows as columns; `undefined` for what `decodeWalk` does not read. */
export function decodeColumns(encoded: Uint8Array): WalkColumns | undefined {
  const walk = decodeWalk(encoded)
  return walk && unpackColumns(walk)
}

/** What `decodeColumns` reads. */
export function encodeColumns(columns: WalkColumns): readonly Uint8Array[] {
  const none = new Uint8Array(0)
  return encodeWalk({...packWalk(columns), note: none, division: none})
}

/** The walk that columns hold. */
export function packWalk(columns: WalkColumns): PackedWalk {
  return {
    rows: packColumns(columns),
    root: stateAt(columns.states, 0),
    layers: columns.layers,
    areLinksAlike: true,
  }
}

/** Small pieces are put together, because each is written by itself. */
function joined(pieces: readonly Uint8Array[]): readonly Uint8Array[] {
  const result: Uint8Array[] = []
  let waiting: Uint8Array[] = []
  let length = 0
  for (const piece of pieces) {
    if (piece.length < small) {
      waiting.push(piece)
      length += piece.length
    }
    if (piece.length < small && length < 16 * small) continue
    result.push(Buffer.concat(waiting))
    if (piece.length >= small) result.push(piece)
    waiting = []
    length = 0
  }
  return [...result, Buffer.concat(waiting)]
}

function bytesIn({buffer, byteOffset, byteLength}: ArrayBufferView): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength)
}
