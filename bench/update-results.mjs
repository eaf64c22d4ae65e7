// What the bench of updates knows: measurements of all rows, each of its day, against their limits.
import {readFileSync} from 'node:fs'
import {rows} from './update-rows.mjs'

/** What earlier runs measured of rows, and of this machine. */
export function readEarlier() {
  const file = new URL('results/update.json', import.meta.url)
  const {measurements, floors} = JSON.parse(readFileSync(file, 'utf8'))
  return {measurements, floors}
}

/** All that is known of the rows which exist: of each its last measurement. */
export function resultOf(measured, floors) {
  const known = new Map(measured.map((each) => [each.name, each]))
  const measurements = Object.entries(rows).flatMap(([name, limits]) => {
    const last = known.get(name)
    return last ? [{...last, limits}] : []
  })
  return {
    measurements,
    floors,
    rows: measurements.flatMap((each) => [...limitsOf(each), ...growthOf(each, measurements)]),
  }
}

/** Seconds of a row over those of another, where both were measured. */
function growthOf({name, limits, runs}, results) {
  return Object.entries(limits.overRow ?? {}).flatMap(([other, atMost]) => {
    const base = results.find((each) => each.name === other)
    if (!base) return []
    const value = runs.inject.seconds / base.runs.inject.seconds
    return [{what: `${name}: seconds over those of ${other}`, value, atMost, met: value <= atMost}]
  })
}

function limitsOf({name, limits, runs, counted, firstSent}) {
  const rows = Object.entries(limits.against).flatMap(([peer, atMost]) => {
    if (!runs[peer]) return []
    const value = runs.inject.seconds / runs[peer].seconds
    return [
      {what: `${name}: seconds over ${peer}`, value, ...(atMost && {atMost, met: value <= atMost})},
    ]
  })
  for (const [peer, atMost] of Object.entries(limits.cpu ?? {})) {
    if (!runs[peer]) continue
    const value = runs.inject.cpuSeconds / runs[peer].cpuSeconds
    rows.push({what: `${name}: CPU seconds over ${peer}`, value, atMost, met: value <= atMost})
  }
  const {peak = 150} = limits
  rows.push({
    what: `${name}: peak MiB`,
    value: runs.inject.peakMiB,
    atMost: peak,
    met: runs.inject.peakMiB <= peak,
  })
  const {requests} = limits.counted ?? {}
  if (requests !== undefined)
    rows.push({
      what: `${name}: requests`,
      value: counted.requests,
      atMost: requests,
      met: counted.requests <= requests,
    })
  if (limits.counted?.uploads === 0)
    rows.push({
      what: `${name}: bytes sent`,
      value: counted.sent,
      atMost: 0,
      met: counted.sent === 0,
    })
  if (limits.sentOverFirst) {
    const value = counted.sent / firstSent
    rows.push({
      what: `${name}: bytes sent over those of the first update`,
      value,
      atMost: limits.sentOverFirst,
      met: value <= limits.sentOverFirst,
    })
  }
  return rows
}
