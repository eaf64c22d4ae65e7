import type {ByteString} from '../byte-string.js'
import {createColumn} from '../tree/column.js'
import {createNameList, type NameList} from '../tree/name-list.js'

/** A name that waits for the other names of its file. */
export interface EarlierName<Place> {
  /** In its place. */
  readonly name: ByteString
  readonly place: Place
}

/**
 * Names of things of which more names are to come, by group; each takes some twenty bytes besides
 * those in the list of names.
 */
export interface EarlierNames<Place> {
  add(group: number, name: EarlierName<Place>): void
  /** How many names of the group wait. */
  count(group: number): number
  /** Takes all names of the group, in the order of their arrival. */
  take(group: number): readonly EarlierName<Place>[]
  /** How many groups wait. */
  readonly size: number
}

/** With no names waiting; they are kept in `names`, which is empty. */
export function createEarlierNames<Place>(names: NameList = createNameList()): EarlierNames<Place> {
  const places: Place[] = []
  /** Of each name the one before it in its group, counted from 1; 0 for none. */
  const before = createColumn<number>((length) => new Uint32Array(length))
  /** Of each group its last name, counted from 1, and how many wait. */
  let lasts = new Uint32Array(1024)
  let counts = new Uint32Array(1024)
  let size = 0
  return {
    get size() {
      return size
    },
    count: (group) => counts[group] ?? 0,
    add(group, {name, place}) {
      const number = names.add(name)
      places.push(place)
      lasts = withRoom(lasts, group)
      counts = withRoom(counts, group)
      if (counts[group] === 0) size++
      before.push(lasts[group] ?? 0)
      lasts[group] = number + 1
      counts[group] = (counts[group] ?? 0) + 1
    },
    take(group) {
      const taken: EarlierName<Place>[] = []
      if ((counts[group] ?? 0) === 0) return taken
      for (let next = lasts[group] ?? 0; next > 0; next = before.at(next - 1))
        taken.push({name: names.at(next - 1), place: places[next - 1] as Place})
      lasts[group] = counts[group] = 0
      size--
      return taken.reverse()
    },
  }
}

/** The array, or a longer copy that has the index. */
function withRoom(array: Uint32Array<ArrayBuffer>, index: number): Uint32Array<ArrayBuffer> {
  if (index < array.length) return array
  const larger = new Uint32Array(Math.max(2 * array.length, index + 1))
  larger.set(array)
  return larger
}
