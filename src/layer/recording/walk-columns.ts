import {type Column, createColumn} from '../tree/column.js'
import type {FileState} from '../tree/file-state.js'
import {createTextColumn, type TextColumn} from './text-column.js'

/**
 * What a walk found, row by row, in a few large pieces of memory, because objects would take
 * several times as much.
 */
export interface WalkColumns {
  /** By row: `fact`. */
  readonly facts: Column<number>
  /** By row: mtime in seconds, and size. */
  readonly sizes: Column<number>
  /** By row, after one of the directory itself: `statePlaces`. */
  readonly states: Column<bigint>
  /** By row: path and target. */
  readonly text: TextColumn
}

/** Places in `facts` of a row. */
export const fact = {
  kind: 0,
  pathLength: 1,
  targetLength: 2,
  mode: 3,
  uid: 4,
  gid: 5,
  names: 6,
  group: 7,
}
export const factsPerRow = 8
export const sizesPerRow = 2
export const statePlaces = ['ctimeNs', 'mtimeNs', 'size', 'ino', 'dev', 'nlink'] as const
export const statesPerRow = statePlaces.length

/** The kinds that rows have by number; what is of another kind is not in the columns. */
export const kinds = ['directory', 'file', 'symlink', 'hardlink'] as const
export const odd = kinds.length
/** Added to the kind of what has a path that is not ASCII: looking takes longer than the rest. */
export const inBytes = 8

/** Of this encoding, and of what a walk finds: another one when either changes. */
const version = 2
const headerBytes = 64
const noteAt = 24
export const longestNote = headerBytes - noteAt

/** Without rows, or with those that `encodeColumns` encoded. */
export function createColumns(
  parts: {
    readonly facts?: Uint32Array
    readonly sizes?: Float64Array
    readonly states?: BigInt64Array
    readonly text?: Uint8Array
  } = {},
): WalkColumns {
  return {
    facts: createColumn<number>((length) => new Uint32Array(length), parts.facts),
    sizes: createColumn<number>((length) => new Float64Array(length), parts.sizes),
    states: createColumn<bigint>((length) => new BigInt64Array(length), parts.states),
    text: createTextColumn(parts.text),
  }
}

export function rowsOf({sizes}: WalkColumns): number {
  return sizes.length / sizesPerRow
}

export function bytesOf({facts, sizes, states, text}: WalkColumns): number {
  return facts.bytes + sizes.bytes + states.bytes + text.length
}

export function pushState(states: Column<bigint>, state: FileState): void {
  for (const place of statePlaces) states.push(state[place])
}

/** The state number `row`, counted from 0 for the directory itself. */
export function stateAt(states: Column<bigint>, row: number): FileState {
  const at = row * statesPerRow
  return {
    ctimeNs: states.at(at),
    mtimeNs: states.at(at + 1),
    size: states.at(at + 2),
    ino: states.at(at + 3),
    dev: states.at(at + 4),
    nlink: states.at(at + 5),
  }
}

/** A change time that nothing has. */
const never = -(2n ** 63n)

/** What is kept with the columns, whatever it says. */
export interface ColumnNotes {
  /** At most `longestNote` bytes. */
  readonly note: Uint8Array
  readonly division: Uint8Array
}

/**
 * For this machine, in the order of its bytes; in pieces, because together they may be large, which
 * are good until the columns change. States of the rows `forgotten` equal no others.
 */
export function encodeColumns(
  columns: WalkColumns,
  forgotten: readonly number[],
  {note, division}: ColumnNotes,
): readonly Uint8Array[] {
  const {facts, sizes, states, text} = columns
  const header = Buffer.alloc(headerBytes)
  const lengths = [rowsOf(columns), text.length, note.length, division.length]
  bytesIn(Uint32Array.of(version, ...lengths)).copy(header)
  header.set(note, noteAt)
  const filled = states.filled as BigInt64Array
  const known = forgotten.length > 0 ? filled.slice() : filled
  for (const row of forgotten) known[row * statesPerRow] = never
  return [
    header,
    bytesIn(known),
    bytesIn(sizes.filled as Float64Array),
    bytesIn(facts.filled as Uint32Array),
    text.filled,
    division,
  ]
}

export interface DecodedColumns extends ColumnNotes {
  readonly columns: WalkColumns
}

/** `undefined` for what is not of this version, or not whole. */
export function decodeColumns(encoded: Uint8Array): DecodedColumns | undefined {
  // numbers must lie at places that their size divides
  const isAligned = encoded.byteOffset % 8 === 0
  const {buffer, byteOffset: start, byteLength} = isAligned ? encoded : new Uint8Array(encoded)
  if (byteLength < headerBytes) return undefined
  const [own, rows = 0, textLength = 0, noteLength = 0, divisionLength = 0] = new Uint32Array(
    buffer,
    start,
    5,
  )
  const lengths = [(rows + 1) * statesPerRow, rows * sizesPerRow, rows * factsPerRow] as const
  const sizesAt = headerBytes + lengths[0] * 8
  const factsAt = sizesAt + lengths[1] * 8
  const textAt = factsAt + lengths[2] * 4
  const divisionAt = textAt + textLength
  if (own !== version || byteLength !== divisionAt + divisionLength) return undefined
  const columns = createColumns({
    states: new BigInt64Array(buffer, start + headerBytes, lengths[0]),
    sizes: new Float64Array(buffer, start + sizesAt, lengths[1]),
    facts: new Uint32Array(buffer, start + factsAt, lengths[2]),
    text: new Uint8Array(buffer, start + textAt, textLength),
  })
  return {
    columns,
    note: new Uint8Array(buffer, start + noteAt, Math.min(noteLength, longestNote)),
    division: new Uint8Array(buffer, start + divisionAt, divisionLength),
  }
}

function bytesIn({buffer, byteOffset, byteLength}: ArrayBufferView): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength)
}
