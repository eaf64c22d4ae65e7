import {LimitError} from '../../errors.js'
import type {MergedFile} from '../../image/merge.js'
import {quoted} from '../../oci/quoted.js'

/** The most of our lines that the vendor may have: each is recorded. */
const mostShared = 1000

/** The lines of a file with their ends, as bytes; the last one may lack its end. */
export function linesOf(bytes: Uint8Array): string[] {
  return (
    Buffer.from(bytes)
      .toString('latin1')
      .match(/[^\n]*\n|[^\n]+$/g) ?? []
  )
}

/**
 * Those of our lines that the vendor lacks, in our order, and the others by their numbers. Ends of
 * lines are not compared. Throws `LimitError` (`ERR_INJECT_MERGE_TOO_LARGE`) for too many of them.
 */
export function mergeLines(
  vendor: readonly string[],
  ours: Uint8Array,
  path: string,
): {readonly bytes: Uint8Array; readonly shared: NonNullable<MergedFile['shared']>} {
  const known = new Map(vendor.map((line, number) => [withoutEnd(line), number]))
  const shared: [number, number][] = []
  const added: string[] = []
  for (const [number, line] of linesOf(ours).entries()) {
    const other = known.get(withoutEnd(line))
    if (other === undefined) added.push(line)
    else shared.push([number, other])
  }
  if (shared.length > mostShared) {
    throw new LimitError(
      'ERR_INJECT_MERGE_TOO_LARGE',
      `too many lines for ${quoted(path)} are in the vendor's file already`,
      {expected: mostShared, found: shared.length, hint: 'leave them out'},
    )
  }
  return {bytes: Buffer.from(added.join(''), 'latin1'), shared}
}

/** Our lines in their order again: `added` are those that the vendor lacks. */
export function ownLines(
  vendor: readonly string[],
  added: Uint8Array,
  shared: NonNullable<MergedFile['shared']>,
): Uint8Array {
  const others = new Map(shared)
  const left = linesOf(added)
  const total = left.length + others.size
  const lines: string[] = []
  for (let number = 0; number < total; number++) {
    const other = others.get(number)
    const line = other === undefined ? left.shift() : vendor[other]
    lines.push(line ?? '')
  }
  return Buffer.from(lines.join(''), 'latin1')
}

function withoutEnd(line: string): string {
  return line.replace(/\r?\n$/, '')
}
