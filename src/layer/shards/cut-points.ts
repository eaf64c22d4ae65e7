import {FloatList, WordList} from '../number-lists.js'
import type {ItemTable} from './item-table.js'

/** A directory whose files come to less than this part of a layer stays in one piece. */
const small = 1 / 4

/**
 * Before which items a new layer begins, in ascending order: fewer than `most`, on average one
 * every `target` bytes, half as far apart at least. An item is one of them when its rank is the
 * lowest within half of `target` bytes on both sides, so that what is added, changed or taken away
 * moves no cut farther off than that, and another `target` adds cuts or takes some away, and moves
 * none. The fewer directories lead to both sides of a place, the lower it ranks: subtrees stay
 * together. Within a directory only one that is not a small part of a layer is cut. Where that does
 * not decide, a hash of the path does.
 */
export function cutPoints(
  items: ItemTable,
  {target, most}: {readonly target: number; readonly most: number},
): number[] {
  const candidates = candidatesOf(items, target)
  const lowest = lowestInReach(candidates, target / 2)
  // the weakest go first, so that one cut too many moves one layer and not all
  const kept = lowest.sort(byRank(candidates)).slice(0, Math.max(0, most - 1))
  return kept.map((place) => candidates.items.at(place)).sort((a, b) => a - b)
}

/**
 * Places to cut at, in ascending order: before the item of that number, so many bytes from the
 * beginning. There may be as many as files: numbers, and no objects.
 */
interface Candidates {
  readonly items: WordList
  readonly at: FloatList
  readonly ranks: FloatList
}

/** Leaves out those that are too near to one of the ends. */
function candidatesOf(table: ItemTable, target: number): Candidates {
  const found: Candidates = {items: new WordList(), at: new FloatList(), ranks: new FloatList()}
  const total = table.bytes()
  let at = 0
  for (let start = 0; start < table.length;) {
    let end = start
    let bytes = 0
    do bytes += table.bytesOf(end++)
    while (end < table.length && table.sharedDirectories(end) === undefined)
    add(start, at)
    if (bytes > target * small) {
      let inside = at
      for (let item = start + 1; item < end; item++) {
        inside += table.bytesOf(item - 1)
        add(item, inside)
      }
    }
    at += bytes
    start = end
  }
  return found

  function add(item: number, place: number): void {
    if (place < target / 2 || total - place < target / 2) return
    found.items.push(item)
    found.at.push(place)
    found.ranks.push(rankOf(table, item))
  }
}

/** The directories first, then the hash, which has 32 bits. */
function rankOf(items: ItemTable, item: number): number {
  return (items.sharedDirectories(item) ?? 255) * 2 ** 32 + items.hashOf(item)
}

/** Compares two candidates by their numbers, which ascend with the items. */
function byRank({ranks}: Candidates): (a: number, b: number) => number {
  return (a, b) => ranks.at(a) - ranks.at(b) || a - b
}

/** Those that nothing within `reach` bytes ranks before. */
function lowestInReach(candidates: Candidates, reach: number): number[] {
  const {at} = candidates
  const {length} = at
  const compare = byRank(candidates)
  const isBeaten = new Uint8Array(length)
  for (const direction of [1, -1]) {
    // the candidates that may still beat somebody, the lowest first
    let window: number[] = []
    let head = 0
    for (let step = 0; step < length; step++) {
      const own = direction === 1 ? step : length - 1 - step
      const isFar = (other: number): boolean => Math.abs(at.at(other) - at.at(own)) >= reach
      while (head < window.length && isFar(window[head] ?? 0)) head++
      const first = window[head]
      if (first !== undefined && compare(first, own) < 0) isBeaten[own] = 1
      while (window.length > head && compare(own, window.at(-1) ?? own) < 0) window.pop()
      window.push(own)
      if (head > 1024) {
        window = window.slice(head)
        head = 0
      }
    }
  }
  const lowest: number[] = []
  for (let place = 0; place < length; place++) if (isBeaten[place] === 0) lowest.push(place)
  return lowest
}
