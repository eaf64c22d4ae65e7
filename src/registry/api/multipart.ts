import type {IncomingHttpHeaders} from 'node:http'
import type {Range} from '../../store/range-reader.js'

export interface ExpectedParts {
  readonly ranges: readonly Range[]
  /** Of the blob. */
  readonly size: number
}

/** Consecutive bytes of a blob. */
interface Piece {
  readonly first: number
  readonly end: number
  readonly content: Uint8Array
}

/**
 * The bytes of each range in an answer to a request for several. A server may put several of them
 * into one part, and send the parts in any order. `undefined` if a byte is missing, or the body has
 * another form. https://www.rfc-editor.org/rfc/rfc9110#section-14.6
 */
export function partsIn(
  body: Uint8Array,
  headers: IncomingHttpHeaders,
  {ranges, size}: ExpectedParts,
): readonly Uint8Array[] | undefined {
  const boundary = boundaryOf(headers)
  const pieces =
    boundary === undefined
      ? pieceOf(body, headers['content-range'], size)
      : piecesIn(body, boundary, size)
  const parts = ranges.flatMap(({offset, length}) => {
    const piece = pieces?.find(({first, end}) => first <= offset && offset + length <= end)
    return piece
      ? [piece.content.subarray(offset - piece.first, offset - piece.first + length)]
      : []
  })
  return parts.length === ranges.length ? parts : undefined
}

function boundaryOf(headers: IncomingHttpHeaders): string | undefined {
  const [, quoted, plain] =
    /^multipart\/byteranges\s*;\s*boundary=(?:"([^"]{1,70})"|([^\s";,]{1,70}))\s*$/i.exec(
      headers['content-type'] ?? '',
    ) ?? []
  return quoted ?? plain
}

/** All ranges in one. */
function pieceOf(
  content: Uint8Array,
  range: string | undefined,
  size: number,
): Piece[] | undefined {
  const found = rangeIn(range, size)
  return found && found.end - found.first === content.length ? [{...found, content}] : undefined
}

function piecesIn(body: Uint8Array, boundary: string, size: number): Piece[] | undefined {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const pieces: Piece[] = []
  for (let at = bytes.indexOf(`--${boundary}`); at >= 0;) {
    at += boundary.length + 2
    if (bytes.toString('latin1', at, at + 2) === '--') break
    const headEnd = bytes.indexOf('\r\n\r\n', at)
    if (headEnd < 0 || headEnd - at > longestHead) return undefined
    const head = bytes.toString('latin1', at, headEnd)
    const range = rangeIn(/\r\ncontent-range:[ \t]*(.*)/i.exec(head)?.[1], size)
    if (!range) return undefined
    const start = headEnd + 4
    // by its length, not up to the next boundary: content may look like one
    const end = start + range.end - range.first
    if (end > bytes.length) return undefined
    pieces.push({...range, content: bytes.subarray(start, end)})
    at = bytes.indexOf(`--${boundary}`, end)
  }
  return pieces
}

const longestHead = 4096

/** https://www.rfc-editor.org/rfc/rfc9110#name-content-range */
function rangeIn(text = '', size: number): Pick<Piece, 'first' | 'end'> | undefined {
  const [, from, to, total] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)\s*$/i.exec(text) ?? []
  const [first, end] = [Number(from), Number(to) + 1]
  return first < end && (total === '*' || Number(total) === size) ? {first, end} : undefined
}
