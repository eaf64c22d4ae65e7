/**
 * Compares the hard links of two trees: paths of one file in one tree must be paths of one file in
 * the other.
 */
export interface LinkComparison {
  /** Whether a path that both have, given by the `inode`s of its files, breaks the pattern. */
  isOdd(first: number, second: number): boolean
}

/**
 * `counts` are the entries of each layer. Takes 8 bytes for each of them, so it is used only if
 * there are hard links.
 */
export function compareLinks(counts: readonly number[]): LinkComparison {
  const starts: number[] = []
  let total = 1
  for (const count of counts) {
    starts.push(total)
    total += count
  }
  // the number of the file in the other tree that goes with this one, 0 for none so far
  const partners = {first: new Uint32Array(total), second: new Uint32Array(total)}

  return {
    isOdd(first, second) {
      const [one, other] = [numberOf(first), numberOf(second)]
      const [expected, found] = [partners.first[one] ?? 0, partners.second[other] ?? 0]
      if (expected === 0 && found === 0) {
        partners.first[one] = other
        partners.second[other] = one
        return false
      }
      return expected !== other || found !== one
    },
  }

  function numberOf(inode: number): number {
    const layer = Math.floor(inode / 2 ** 32)
    return (starts[layer] ?? 0) + (inode % 2 ** 32) - 1
  }
}
