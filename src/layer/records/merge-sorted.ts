import {compareRecords, type ContentRecord} from './record.js'

interface Head {
  record: ContentRecord
  readonly source: number
  readonly rest: Iterator<ContentRecord>
}

/** Merges sorted sequences; of equal records those of an earlier sequence come first. */
export function* mergeSorted(
  sources: readonly Iterator<ContentRecord>[],
): Generator<ContentRecord, void, undefined> {
  const heads: Head[] = []
  for (const [source, rest] of sources.entries()) {
    const next = rest.next()
    if (next.done !== true) heads.push({record: next.value, source, rest})
  }
  heads.sort(compareHeads)
  for (let first = heads[0]; first; first = heads[0]) {
    yield first.record
    const next = first.rest.next()
    if (next.done === true) heads.shift()
    else sink(heads, Object.assign(first, {record: next.value}))
  }
}

/** Moves the first one to its place; usually it stays, or becomes the second. */
function sink(heads: Head[], moved: Head): void {
  let at = 1
  for (let next = heads[at]; next; next = heads[at]) {
    if (compareHeads(moved, next) <= 0) break
    heads[at - 1] = next
    at++
  }
  heads[at - 1] = moved
}

function compareHeads(one: Head, other: Head): number {
  return compareRecords(one.record, other.record) || one.source - other.source
}
