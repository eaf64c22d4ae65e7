import {isAscii} from '../../byte-string.js'
import type {Entry} from '../../entry.js'
import type {FileState} from '../../tree/file-state.js'
import {createTextColumn} from '../rows/text-column.js'
import {
  createColumns,
  fact,
  factsPerRow,
  inBytes,
  kindNumber,
  sizesPerRow,
  statesPerRow,
  type WalkColumns,
} from './walk-columns.js'

/** Adds rows one after the other. */
export interface ColumnWriter {
  /** The entry's kind must be one of `kinds`. */
  add(entry: Entry, state: FileState): void
  /** Bytes of memory. */
  bytes(): number
  /** What was added, in the memory that it lies in, after an unknown state of the directory. */
  columns(): WalkColumns
}

/** So many at first. */
const firstRows = 128

/**
 * A row for each entry, without files of several names. To write into arrays of one type takes a
 * third of the time of columns that can be of any.
 */
export function createColumnWriter(): ColumnWriter {
  let facts = new Uint32Array(factsPerRow * firstRows)
  let sizes = new Float64Array(sizesPerRow * firstRows)
  let states = new BigInt64Array(statesPerRow * (firstRows + 1))
  const text = createTextColumn()
  let room = firstRows
  let rows = 0

  return {
    add(entry, {ctimeNs, mtimeNs, size, ino, dev, nlink}) {
      if (rows === room) grow()
      const isFile = entry.kind === 'file'
      const target = entry.kind === 'symlink' || entry.kind === 'hardlink' ? entry.target : ''
      const at = rows * factsPerRow
      facts[at + fact.kind] =
        kindNumber(entry.kind) + (isFile && !isAscii(entry.path) ? inBytes : 0)
      facts[at + fact.pathLength] = entry.path.length
      facts[at + fact.targetLength] = target.length
      facts[at + fact.mode] = entry.mode
      facts[at + fact.uid] = entry.uid
      facts[at + fact.gid] = entry.gid
      sizes[rows * sizesPerRow] = entry.mtime
      sizes[rows * sizesPerRow + 1] = isFile ? entry.size : 0
      text.add(entry.path)
      text.add(target)
      rows++
      const state = rows * statesPerRow
      states[state] = ctimeNs
      states[state + 1] = mtimeNs
      states[state + 2] = size
      states[state + 3] = ino
      states[state + 4] = dev
      states[state + 5] = nlink
    },
    bytes: () => facts.byteLength + sizes.byteLength + states.byteLength + text.length,
    columns: () =>
      createColumns({
        facts: facts.subarray(0, rows * factsPerRow),
        sizes: sizes.subarray(0, rows * sizesPerRow),
        states: states.subarray(0, (rows + 1) * statesPerRow),
        text: text.filled,
      }),
  }

  function grow(): void {
    room += room >> 1
    const [oldFacts, oldSizes, oldStates] = [facts, sizes, states]
    facts = new Uint32Array(factsPerRow * room)
    sizes = new Float64Array(sizesPerRow * room)
    states = new BigInt64Array(statesPerRow * (room + 1))
    facts.set(oldFacts)
    sizes.set(oldSizes)
    states.set(oldStates)
  }
}
