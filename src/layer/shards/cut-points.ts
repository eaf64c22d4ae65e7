import type {ItemTable} from './item-table.js'

/** A directory whose files come to less than this part of a layer stays in one piece. */
const small = 1 / 4

/**
 * About `bytes`, in steps of a quarter to a seventh: a size that does not move when the total it
 * was made from moves a little. Never more than `bytes`.
 */
export function steppedSize(bytes: number): number {
  let unit = 1
  while (unit * 8 <= bytes) unit *= 2
  return Math.floor(bytes / unit) * unit
}

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
  const candidates = candidatesOf(items, target * small)
  const reach = target / 2
  const total = items.bytes()
  const inner = candidates.filter(({at}) => at >= reach && total - at >= reach)
  const lowest = lowestInReach(inner, reach)
  // the weakest go first, so that one cut too many moves one layer and not all
  const kept = lowest.sort(byRank).slice(0, Math.max(0, most - 1))
  return kept.map(({item}) => item).sort((a, b) => a - b)
}

/** A place to cut at: before `item`, `at` bytes from the beginning. */
interface Candidate {
  readonly item: number
  readonly at: number
  readonly rank: number
}

function candidatesOf(items: ItemTable, largestWhole: number): Candidate[] {
  const found: Candidate[] = []
  let at = 0
  for (let start = 0; start < items.length;) {
    let end = start
    let bytes = 0
    do bytes += items.bytesOf(end++)
    while (end < items.length && items.sharedDirectories(end) === undefined)
    found.push({item: start, at, rank: rankOf(items, start)})
    if (bytes > largestWhole) {
      let inside = at
      for (let item = start + 1; item < end; item++) {
        inside += items.bytesOf(item - 1)
        found.push({item, at: inside, rank: rankOf(items, item)})
      }
    }
    at += bytes
    start = end
  }
  return found
}

/** The directories first, then the hash, which has 32 bits. */
function rankOf(items: ItemTable, item: number): number {
  return (items.sharedDirectories(item) ?? 255) * 2 ** 32 + items.hashOf(item)
}

function byRank(a: Candidate, b: Candidate): number {
  return a.rank - b.rank || a.item - b.item
}

/** Those that nothing within `reach` bytes ranks before. */
function lowestInReach(candidates: readonly Candidate[], reach: number): Candidate[] {
  const isBeaten = new Uint8Array(candidates.length)
  for (const direction of [1, -1]) {
    // the candidates that may still beat somebody, the lowest first
    let window: number[] = []
    let head = 0
    for (let step = 0; step < candidates.length; step++) {
      const position = direction === 1 ? step : candidates.length - 1 - step
      const own = candidates[position]
      if (!own) continue
      const isFar = (other: number): boolean =>
        Math.abs((candidates[other]?.at ?? 0) - own.at) >= reach
      while (head < window.length && isFar(window[head] ?? 0)) head++
      const first = candidates[window[head] ?? -1]
      if (head < window.length && first && byRank(first, own) < 0) isBeaten[position] = 1
      while (window.length > head && beats(own, candidates[window.at(-1) ?? -1])) window.pop()
      window.push(position)
      if (head > 1024) {
        window = window.slice(head)
        head = 0
      }
    }
  }
  return candidates.filter((_, position) => isBeaten[position] === 0)
}

function beats(a: Candidate, b: Candidate | undefined): boolean {
  return b !== undefined && byRank(a, b) < 0
}
