/** A path among the texts of rows, as bytes: to compare these takes less than to make strings. */
export interface PathBytes {
  readonly text: Buffer
  /** Where it begins in the text. */
  readonly textAt: number
  readonly pathEnd: number
}

const slash = 0x2f

/**
 * Compares paths by where a walk finds them, parents first and names bytewise: less than 0 for
 * `one` before `other`, 0 for the same.
 */
export function compareInWalk(one: PathBytes, other: PathBytes): number {
  const same = sameLength(one, other)
  return rankAt(one, same) - rankAt(other, same)
}

/** Whether a walk can find a path first, of which so much is not in the directory. */
export function canBeFirst(
  path: PathBytes & {readonly kind: string},
  prefixLength: number,
): boolean {
  if (prefixLength > 0)
    return path.kind === 'directory' && path.pathEnd - path.textAt === prefixLength - 1
  return lastSlash(path) === -1
}

/**
 * Whether a walk can find a path right after another one: it is later in the order, and what it is
 * in is the other one or above that.
 */
export function canFollow(last: PathBytes & {readonly kind: string}, next: PathBytes): boolean {
  const same = sameLength(last, next)
  if (next.textAt + same === next.pathEnd) return false
  const parent = lastSlash(next)
  if (last.textAt + same === last.pathEnd)
    return parent < same || (parent === same && last.kind === 'directory')
  return rankAt(last, same) < rankAt(next, same) && parent < same
}

/** How many bytes at their starts are the same. */
function sameLength(one: PathBytes, other: PathBytes): number {
  const [a, b] = [one.text, other.text]
  const [from, otherFrom] = [one.textAt, other.textAt]
  const most = Math.min(one.pathEnd - from, other.pathEnd - otherFrom)
  let same = 0
  while (same < most && a[from + same] === b[otherFrom + same]) same++
  return same
}

/** The end of a path is before all, and the end of a name before all that it can go on with. */
function rankAt({text, textAt, pathEnd}: PathBytes, at: number): number {
  if (textAt + at === pathEnd) return -1
  const byte = text[textAt + at] ?? 0
  return byte === slash ? 0 : byte
}

/** Counted from the start of the path; -1 for none. */
function lastSlash({text, textAt, pathEnd}: PathBytes): number {
  let at = pathEnd - 1
  while (at >= textAt && text[at] !== slash) at--
  return at < textAt ? -1 : at - textAt
}
