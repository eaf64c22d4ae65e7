import {compareRecords, type ContentRecord} from './record.js'

interface Head {
  record: ContentRecord
  readonly rest: Iterator<ContentRecord>
}

/** One sorted sequence of several sorted ones; of equal records those of an earlier one first. */
export function* mergeSorted(
  sources: readonly Iterator<ContentRecord>[],
): Generator<ContentRecord, void, undefined> {
  const heads: Head[] = []
  for (const rest of sources) {
    const {value, done} = rest.next()
    if (done !== true) heads.push({record: value, rest})
  }
  heads.sort((one, other) => compareRecords(one.record, other.record))
  for (let first = heads[0]; first; first = heads[0]) {
    yield first.record
    const {value, done} = first.rest.next()
    if (done === true) heads.shift()
    else sink(heads, Object.assign(first, {record: value}))
  }
}

/** Moves the first one to its place: mostly it stays, or is the second. */
function sink(heads: Head[], moved: Head): void {
  let at = 1
  for (let next = heads[at]; next; next = heads[at]) {
    if (compareRecords(moved.record, next.record) <= 0) break
    heads[at - 1] = next
    at++
  }
  heads[at - 1] = moved
}
