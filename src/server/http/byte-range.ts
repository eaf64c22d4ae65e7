import type {ByteRange} from '../../store/repository.js'

/**
 * The part of a body of `size` bytes that a `Range` header asks for: `whole` when there is no
 * header or it is of a form that may be ignored (several ranges, other units, nonsense),
 * `unsatisfiable` when none of it is there or it ends before it begins.
 * https://www.rfc-editor.org/rfc/rfc9110#section-14.2
 */
export function parseByteRange(
  header: string | undefined,
  size: number,
): ByteRange | 'whole' | 'unsatisfiable' {
  const [, from = '', to = ''] = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header ?? '') ?? []
  if (from === '' && to === '') return 'whole'
  if (from === '') {
    const length = Math.min(Number(to), size)
    return length === 0 ? 'unsatisfiable' : {first: size - length, last: size - 1}
  }
  const first = Number(from)
  const last = to === '' ? Infinity : Number(to)
  return first >= size || last < first ? 'unsatisfiable' : {first, last: Math.min(last, size - 1)}
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
