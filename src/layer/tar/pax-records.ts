import type {IntegrityError} from '../../errors.js'
import {type ByteString, display, toText} from '../byte-string.js'
import {layerCorrupt} from '../corrupt.js'

const space = 0x20
const equals = 0x3d
const newline = 0x0a

/**
 * The records of one PAX extended header, by keyword; of equal keywords the last wins. Values are
 * bytes: an attribute's value may hold any. Throws `IntegrityError` for anything but whole records
 * in the one spelling `LENGTH KEYWORD=VALUE\n`.
 * https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_03
 */
export function parsePaxRecords(bytes: Uint8Array): Map<string, Uint8Array> {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const records = new Map<string, Uint8Array>()
  const sparse: Buffer[] = []
  let start = 0
  while (start < body.length) {
    const end = start + recordLength(body, start)
    const keywordStart = body.indexOf(space, start) + 1
    const separator = body.indexOf(equals, keywordStart)
    if (end > body.length) throw malformed('is cut off')
    if (separator === -1 || separator >= end - 1) throw malformed('has no value')
    if (body[end - 1] !== newline) throw malformed('does not end with a newline')
    const keyword = parseKeyword(body.toString('latin1', keywordStart, separator))
    const value = body.subarray(separator + 1, end - 1)
    records.set(keyword, value)
    // GNU's first sparse format repeats these two, in their order: they are a map
    if (keyword === 'GNU.sparse.offset' || keyword === 'GNU.sparse.numbytes') sparse.push(value)
    start = end
  }
  if (sparse.length > 0) records.set('GNU.sparse.map', Buffer.from(sparse.join(',')))
  return records
}

/**
 * The inverse: records in the order given. A keyword must not be empty nor hold `=` or NUL
 * (`RangeError`: the caller's mistake).
 */
export function encodePaxRecords(
  records: Iterable<readonly [keyword: string, value: ByteString | Uint8Array]>,
): Uint8Array {
  const parts: Buffer[] = []
  for (const [keyword, value] of records) {
    if (keyword === '' || /[=\0]/.test(keyword)) {
      throw new RangeError(`not a PAX keyword: ${JSON.stringify(keyword)}`)
    }
    const head = Buffer.from(` ${keyword}=`, 'utf8')
    const body = typeof value === 'string' ? Buffer.from(value, 'latin1') : value
    const length = withOwnDigits(head.length + body.length + 1)
    parts.push(Buffer.from(String(length), 'latin1'), head, Buffer.from(body), Buffer.of(newline))
  }
  return Buffer.concat(parts)
}

/**
 * Strict, because readers that take `+30`, ` 30` or `030` for a length see other records than those
 * that do not.
 */
function recordLength(body: Buffer, start: number): number {
  // eight digits are more than any header that we read has bytes
  const digits = /^([1-9][0-9]{0,7}) /.exec(body.toString('latin1', start, start + 9))
  if (digits === null) throw malformed('has no length')
  return Number(digits[1])
}

function parseKeyword(bytes: ByteString): string {
  const keyword = toText(bytes)
  if (keyword === undefined || keyword === '' || keyword.includes('\0')) {
    throw malformed(`has the keyword ${display(bytes)}`)
  }
  return keyword
}

/** The length counts its own digits. */
function withOwnDigits(length: number): number {
  let total = length + String(length).length
  if (String(total).length > String(length).length) total = length + String(total).length
  return total
}

function malformed(how: string): IntegrityError {
  return layerCorrupt(`a PAX record ${how}`)
}
