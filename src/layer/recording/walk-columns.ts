import type {ByteString} from '../byte-string.js'
import {type Column, createColumn} from '../tree/column.js'
import type {FileState} from '../tree/file-state.js'
import type {Entry} from '../entry.js'
import {decodeRowLayers, encodeRowLayers, type RowLayers} from './row-layers.js'
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
  /** Which layers of a slot the rows come from; `undefined` if that is not known. */
  readonly layers?: RowLayers | undefined
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
const statePlaces = ['ctimeNs', 'mtimeNs', 'size', 'ino', 'dev', 'nlink'] as const
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
    readonly layers?: RowLayers | undefined
  } = {},
): WalkColumns {
  return {
    layers: parts.layers,
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

/** One entry of a walk, as a row has it. */
export interface Row {
  readonly entry: Pick<Entry, 'kind' | 'path' | 'mode' | 'uid' | 'gid' | 'mtime'>
  /** Empty for what has none. */
  readonly target: ByteString
  readonly size: number
  /** 0 for what has one name, and for directories. */
  readonly names: number
  readonly group: number
  /** The kernel is told of it in bytes. */
  readonly isBytes: boolean
  readonly state: FileState
}

/** Adds a row; its kind must be one of `kinds`. */
export function pushRow(
  {facts, sizes, states, text}: WalkColumns,
  {entry, target, size, names, group, isBytes, state}: Row,
): void {
  const kind = (kinds as readonly string[]).indexOf(entry.kind)
  // in the order of `fact`
  facts.push(kind + (isBytes ? inBytes : 0))
  facts.push(entry.path.length)
  facts.push(target.length)
  facts.push(entry.mode)
  facts.push(entry.uid)
  facts.push(entry.gid)
  facts.push(names)
  facts.push(group)
  sizes.push(entry.mtime)
  sizes.push(size)
  text.add(entry.path)
  text.add(target)
  pushState(states, state)
}

/** Gives the row `row` another state, counted from 0 for the directory itself. */
export function putState(states: Column<bigint>, row: number, state: FileState): void {
  for (const [place, name] of statePlaces.entries())
    states.put(row * statesPerRow + place, state[name])
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

/** How many names there are of what has the state number `row`, counted as for `stateAt`. */
export function namesAt(states: Column<bigint>, row: number): bigint {
  return states.at(row * statesPerRow + 5)
}

/** Of what was not looked at. */
export const unknownState: FileState = {
  ctimeNs: 0n,
  mtimeNs: 0n,
  size: 0n,
  ino: 0n,
  dev: 0n,
  nlink: 0n,
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
  const tail = columns.layers ? encodeRowLayers(columns.layers) : new Uint8Array(0)
  const lengths = [rowsOf(columns), text.length, note.length, division.length, tail.length]
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
    tail,
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
  const numbers = new Uint32Array(buffer, start, 6)
  const [own, rows = 0, textLength = 0, noteLength = 0, divisionLength = 0, tailLength = 0] =
    numbers
  const lengths = [(rows + 1) * statesPerRow, rows * sizesPerRow, rows * factsPerRow] as const
  const sizesAt = headerBytes + lengths[0] * 8
  const factsAt = sizesAt + lengths[1] * 8
  const textAt = factsAt + lengths[2] * 4
  const divisionAt = textAt + textLength
  const tailAt = divisionAt + divisionLength
  if (own !== version || byteLength !== tailAt + tailLength) return undefined
  const columns = createColumns({
    states: new BigInt64Array(buffer, start + headerBytes, lengths[0]),
    sizes: new Float64Array(buffer, start + sizesAt, lengths[1]),
    facts: new Uint32Array(buffer, start + factsAt, lengths[2]),
    text: new Uint8Array(buffer, start + textAt, textLength),
    layers: decodeRowLayers(new Uint8Array(buffer, start + tailAt, tailLength), rows),
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
