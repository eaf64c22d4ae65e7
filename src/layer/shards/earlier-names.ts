import type {ByteString} from '../byte-string.js'
import {createNameList, type NameList} from '../tree/name-list.js'
import {WordList} from '../number-lists.js'

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
  /** Names that follow each other are often in the same place. */
  const places: Place[] = []
  /** Of each name its place, counted from 1. */
  const placeOf = new WordList()
  /** Of each name the one before it in its group, counted from 1; 0 for none. */
  const before = new WordList()
  /** Of each group its last name, counted from 1, and how many wait. */
  const lasts = new WordList()
  const counts = new WordList()
  let size = 0
  return {
    get size() {
      return size
    },
    count: (group) => counts.at(group),
    add(group, {name, place}) {
      const number = names.add(name)
      if (places.length === 0 || places.at(-1) !== place) places.push(place)
      placeOf.push(places.length)
      const count = counts.at(group)
      if (count === 0) size++
      before.push(lasts.at(group))
      lasts.put(group, number + 1)
      counts.put(group, count + 1)
    },
    take(group) {
      const taken: EarlierName<Place>[] = []
      if (counts.at(group) === 0) return taken
      for (let next = lasts.at(group); next > 0; next = before.at(next - 1))
        taken.push({name: names.at(next - 1), place: places[placeOf.at(next - 1) - 1] as Place})
      lasts.put(group, 0)
      counts.put(group, 0)
      size--
      return taken.reverse()
    },
  }
}
