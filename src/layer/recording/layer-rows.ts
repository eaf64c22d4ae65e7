import {WordList} from '../number-lists.js'
import type {LayerItems, WalkedEntry} from '../tree/walked-entry.js'
import {type PackedRows, RowReader} from './rows/packed-rows.js'
import {replay, type ReplayOptions} from './replay.js'
import {number} from './rows/row-numbers.js'
import {kinds} from './columns/walk-columns.js'

const [directory] = kinds.keys()

/** Reads rows up to an item, and counts items: all but directories. */
class ItemReader extends RowReader {
  item = -1
  private readonly to: number

  constructor(rows: PackedRows, to: number, options?: {readonly hasTexts?: boolean}) {
    super(rows, options)
    this.to = to
  }

  override next(): boolean {
    if (this.item >= this.to - 1 || !super.next()) return false
    if (this.kind !== directory) this.item++
    return true
  }
}

/**
 * Of the entries of a walk those that decide a layer: its items, all names of things whose last
 * name is among them, and the directories until then. The rows of others are passed over.
 */
export function layerRows(
  rows: PackedRows,
  options: Omit<ReplayOptions, 'rows' | 'isWanted'>,
  {from, to, names}: LayerItems,
): Generator<WalkedEntry> {
  const ending = groupsThatEnd(rows, {from, to, names})
  const reader = new ItemReader(rows, to)
  const isWanted = (): boolean => {
    const {kind, numbers, item} = reader
    if (kind === directory) return true
    return numbers.at(number.names) > 0 ? ending.has(numbers.at(number.group)) : item >= from
  }
  return replay({...options, rows: reader, isWanted}, true)
}

/** The things with several names of which the last one is among these items. */
function groupsThatEnd(rows: PackedRows, {from, to, names}: LayerItems): ReadonlySet<number> {
  const reader = new ItemReader(rows, to, {hasTexts: false})
  const ending = new Set<number>()
  const seen = new WordList()
  while (reader.next()) {
    if (reader.kind === directory) continue
    const {numbers} = reader
    const all = numbers.at(number.names)
    if (all === 0) continue
    const group = numbers.at(number.group)
    const count = seen.at(group) + 1
    seen.put(group, count)
    if (count === (names.get(group) ?? all) && reader.item >= from) ending.add(group)
  }
  return ending
}
