import {layerCorrupt} from '../corrupt.js'
import type {Pax} from './pax-values.js'

/**
 * The records of a PAX header as Go reads them: lengths may have leading zeros, values may be
 * empty, and what follows the last whole record is not looked at.
 */
export function readRecords(body: Buffer): Pax {
  const records = new Map<string, Uint8Array>()
  for (let start = 0; start < body.length && body[start] !== 0;) {
    const space = body.indexOf(0x20, start)
    const length = Number(body.toString('latin1', start, Math.max(space, start)))
    const end = start + length
    if (space < 0 || !Number.isSafeInteger(length) || length <= space - start || end > body.length)
      throw layerCorrupt('a PAX record is malformed')
    const equals = body.indexOf(0x3d, space)
    if (equals < 0 || equals >= end) throw layerCorrupt('a PAX record has no value')
    records.set(body.toString('utf8', space + 1, equals), body.subarray(equals + 1, end - 1))
    start = end
  }
  return records
}
