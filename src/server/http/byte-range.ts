import type {ByteRange} from '../../store/repository.js'

/** A header with more ranges is ignored, as nginx does with `max_ranges`. */
const mostRanges = 1024

/**
 * The parts of a body of `size` bytes that a `Range` header asks for, in its order; those that
 * touch or overlap are one, so no byte is in two of them. `whole` when there is no header, or one
 * that may be ignored (other units, nonsense, more than 1,024 ranges), `unsatisfiable` when nothing
 * of it is there. https://www.rfc-editor.org/rfc/rfc9110#section-14.2
 */
export function parseByteRanges(
  header: string | undefined,
  size: number,
): readonly ByteRange[] | 'whole' | 'unsatisfiable' {
  const [, list = ''] = /^bytes=(.*)$/i.exec(header ?? '') ?? []
  const texts = list.split(',').flatMap((text) => text.trim() || [])
  if (texts.length === 0 || texts.length > mostRanges) return 'whole'
  if (!texts.every((text) => /^(?:\d+-\d*|-\d+)$/.test(text))) return 'whole'
  const ranges = texts.flatMap((text) => rangeOf(text, size) ?? [])
  return ranges.length === 0 ? 'unsatisfiable' : merged(ranges)
}

/** `undefined` when nothing of it is there, or it ends before it begins. */
function rangeOf(text: string, size: number): ByteRange | undefined {
  const [from = '', to = ''] = text.split('-')
  if (from === '') {
    const length = Math.min(Number(to), size)
    return length === 0 ? undefined : {first: size - length, last: size - 1}
  }
  const first = Number(from)
  const last = to === '' ? Infinity : Number(to)
  return first >= size || last < first ? undefined : {first, last: Math.min(last, size - 1)}
}

/** Each stands where the earliest of those that it is made of stood. */
function merged(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const sorted = ranges.map((range, at) => ({...range, at})).sort((a, b) => a.first - b.first)
  const parts: {first: number; last: number; at: number}[] = []
  for (const range of sorted) {
    const before = parts.at(-1)
    if (before === undefined || range.first > before.last + 1) parts.push(range)
    else {
      before.last = Math.max(before.last, range.last)
      before.at = Math.min(before.at, range.at)
    }
  }
  return parts.sort((a, b) => a.at - b.at).map(({first, last}) => ({first, last}))
}

/**
 * The `Content-Range` of a chunk, as the distribution specification has it (`0-99`) or as HTTP does
 * (`bytes 0-99/*`). `undefined` without the header, `invalid` for anything else.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks
 */
export function parseContentRange(header: string | undefined): ByteRange | undefined | 'invalid' {
  if (header === undefined) return undefined
  const [, from, to] =
    /^(?:bytes[ =])?(\d{1,16})-(\d{1,16})(?:\/(?:\d{1,16}|\*))?$/i.exec(header) ?? []
  const first = Number(from)
  const last = Number(to)
  return Number.isSafeInteger(first) && Number.isSafeInteger(last) && first <= last
    ? {first, last}
    : 'invalid'
}
