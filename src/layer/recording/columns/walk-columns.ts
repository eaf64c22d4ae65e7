import type {ByteString} from '../../byte-string.js'
import {type Column, createColumn} from '../../tree/column.js'
import type {FileState} from '../../tree/file-state.js'
import type {Entry} from '../../entry.js'
import type {RowLayers} from './row-layers.js'
import {createTextColumn, type TextColumn} from '../rows/text-column.js'

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
export const stateWordsPerRow = 2 * statesPerRow

/** The kinds that rows have by number; what is of another kind is not in the columns. */
export const kinds = ['directory', 'file', 'symlink', 'hardlink'] as const
export const odd = kinds.length
/** -1 for a kind that has no number: there are no rows of it. */
export function kindNumber(kind: Entry['kind']): number {
  return (kinds as readonly string[]).indexOf(kind)
}

/** Added to the kind of what has a path that is not ASCII: looking takes longer than the rest. */
export const inBytes = 8

/** Without rows, or with those that are in the parts. */
export function createColumns(
  parts: {
    readonly facts?: Uint32Array
    readonly sizes?: Float64Array
    readonly states?: BigInt64Array
    readonly text?: Buffer
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

/**
 * The memory of columns, which is theirs until they grow: arrays of one type are read in a fraction
 * of the time of columns, and the halves of states without a BigInt for each.
 */
export function memoryOf({facts, sizes, states}: WalkColumns) {
  const {buffer, byteOffset, length} = states.filled as BigInt64Array
  return {
    facts: facts.filled as Uint32Array,
    sizes: sizes.filled as Float64Array,
    stateWords: new Int32Array(buffer, byteOffset, 2 * length),
  }
}

export function rowsOf({sizes}: WalkColumns): number {
  return sizes.length / sizesPerRow
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
  // in the order of `fact`
  facts.push(kindNumber(entry.kind) + (isBytes ? inBytes : 0))
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
