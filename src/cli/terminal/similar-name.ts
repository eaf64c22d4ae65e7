/**
 * The name among `known` that `typed` was probably meant to be; `undefined` when none is near. One
 * wrong letter in three is near; swapped neighbours count as one.
 */
export function similarName(typed: string, known: readonly string[]): string | undefined {
  const name = typed.toLowerCase()
  const near = known
    .map((each) => ({each, distance: editDistance(name, each)}))
    .filter(({each, distance}) => distance <= Math.max(1, Math.floor(each.length / 3)))
    .sort((one, other) => one.distance - other.distance)
  if (near[0]) return near[0].each
  const started = known.filter((each) => name.length >= 3 && each.startsWith(name))
  return started.length === 1 ? started[0] : undefined
}

/** Optimal string alignment distance: insertions, deletions, substitutions, neighbours swapped. */
function editDistance(one: string, other: string): number {
  const rows: number[][] = [Array.from({length: other.length + 1}, (_, column) => column)]
  const at = (row: number, column: number): number => rows[row]?.[column] ?? Infinity
  for (let i = 1; i <= one.length; i++) {
    const row = [i]
    rows.push(row)
    for (let j = 1; j <= other.length; j++) {
      const change = at(i - 1, j - 1) + (one[i - 1] === other[j - 1] ? 0 : 1)
      const isSwap = one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]
      const swap = isSwap ? at(i - 2, j - 2) + 1 : Infinity
      row.push(Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, change, swap))
    }
  }
  return at(one.length, other.length)
}
