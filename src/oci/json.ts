// Strict decoding of the JSON documents that digests cover. What two parsers could read differently
// is refused, because the bytes go on to others:
// https://github.com/opencontainers/image-spec/blob/v1.1.1/considerations.md#json
import {type ErrorCode, IntegrityError, LimitError} from '../errors.js'
import {
  closeBrace,
  closeBracket,
  colon,
  comma,
  endOfString,
  openBrace,
  openBracket,
  quote,
} from './json-text.js'
import {readNullsAsGo} from './go-nulls.js'
import type {Known} from './known-members.js'
import {refuseTwoReadings} from './one-reading.js'

/**
 * The most bytes of a manifest or config that we read or write; registries hold manifests to the
 * same.
 */
export const documentLimit = 4 * 1024 * 1024

const deepest = 100

/**
 * Members and elements of one document, about: of those that are as large as they may be, the
 * densest that mean something have fewer.
 */
const mostValues = 200_000

/** Members of one object: names that are all different cost more than any other value. */
const mostNames = 50_000

export interface JsonDocument {
  /** The bytes as text, unchanged: what edits work on. */
  readonly text: string
  /**
   * Parsed. Members called `__proto__` are plain members of it; those that are `null` are what
   * `readNullsAsGo` makes of them.
   */
  readonly value: Readonly<Record<string, unknown>>
}

/**
 * Decodes one JSON object whose members are `known` to engines. Throws `LimitError` for more than 4
 * MiB, 100 levels, 200,000 values or 50,000 members of one object, `IntegrityError` with `code` for
 * anything but a JSON object in UTF-8 without a byte order mark, and what `refuseTwoReadings`
 * throws. `what` is for messages.
 */
export function parseDocument(
  bytes: Uint8Array,
  what: string,
  known: Known,
  code: ErrorCode = 'ERR_INJECT_DOCUMENT_INVALID',
): JsonDocument {
  if (bytes.length > documentLimit) {
    throw new LimitError('ERR_INJECT_DOCUMENT_TOO_LARGE', `${what} is larger than 4 MiB`, {
      expected: documentLimit,
      found: bytes.length,
    })
  }
  const text = decodeText(bytes, what, code)
  refuseExcess(text, what)
  const value = parse(text, what, code)
  refuseTwoReadings(text, known, what)
  readNullsAsGo(value, known)
  return {text, value}
}

function decodeText(bytes: Uint8Array, what: string, code: ErrorCode): string {
  let text: string
  try {
    text = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(bytes)
  } catch (cause) {
    throw new IntegrityError(code, `${what} is not UTF-8 text`, {cause})
  }
  if (text.startsWith('\uFEFF')) {
    throw new IntegrityError(code, `${what} begins with a byte order mark`)
  }
  return text
}

function parse(text: string, what: string, code: ErrorCode): JsonDocument['value'] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new IntegrityError(code, `${what} is not JSON`, {cause})
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new IntegrityError(code, `${what} is not a JSON object`)
  }
  return value as JsonDocument['value']
}

/**
 * Looks at brackets and commas only, so it may be done before anything recursive, or anything that
 * keeps values, sees the text: values of two bytes each take a hundred times as long to read as a
 * document of the same size that says something.
 */
function refuseExcess(text: string, what: string): void {
  let depth = 0
  let values = 0
  // of the objects that are open, by depth
  const names: number[] = []
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) at = endOfString(text, at)
    else if (code === comma) values++
    else if (code === colon) {
      const count = (names[depth] ?? 0) + 1
      names[depth] = count
      if (count > mostNames) throw tooMany(`${what} has an object of too many members`, mostNames)
    } else if (code === openBrace || code === openBracket) {
      depth++
      values++
      names[depth] = 0
    } else if (code === closeBrace || code === closeBracket) depth--
    if (depth > deepest) {
      throw new LimitError('ERR_INJECT_DOCUMENT_TOO_DEEP', `${what} is nested too deeply`, {
        expected: deepest,
        found: `more than ${deepest} levels`,
      })
    }
    if (values > mostValues) throw tooMany(`${what} holds too many values`, mostValues)
  }
}

function tooMany(why: string, expected: number): LimitError {
  const found = `more than ${expected}`
  return new LimitError('ERR_INJECT_DOCUMENT_TOO_LARGE', why, {expected, found})
}
