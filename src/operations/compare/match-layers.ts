import type {Layer} from '../../image/image.js'

/** A layer that one or both of two images have, lowest first. */
export interface MatchedLayer<T extends Layer> {
  /** The first image's layer; `undefined` if it has no such layer. */
  readonly first: T | undefined
  readonly second: T | undefined
}

/** Longer lists are matched in one pass; engines refuse images with so many layers. */
const mostCompared = 1000

/**
 * The layers of two images in one order that is that of both: those that are equal, by digest or
 * diff ID, go together, as many as can without changing the order of either.
 */
export function matchLayers<T extends Layer>(
  first: readonly T[],
  second: readonly T[],
): readonly MatchedLayer<T>[] {
  const pairs =
    first.length > mostCompared || second.length > mostCompared
      ? pairsInOnePass(first, second)
      : longestPairs(first, second)
  const matched: MatchedLayer<T>[] = []
  let [one, other] = [0, 0]
  for (const [at, beside] of [...pairs, [first.length, second.length] as const]) {
    for (; one < at; one++) matched.push({first: first[one], second: undefined})
    for (; other < beside; other++) matched.push({first: undefined, second: second[other]})
    if (at < first.length) matched.push({first: first[one++], second: second[other++]})
  }
  return matched
}

type Pair = readonly [first: number, second: number]

function isEqual(one: Layer, other: Layer): boolean {
  return one.diffId === other.diffId || one.descriptor.digest === other.descriptor.digest
}

/** A longest common subsequence. */
function longestPairs(first: readonly Layer[], second: readonly Layer[]): Pair[] {
  const width = second.length + 1
  const lengths = new Uint16Array((first.length + 1) * width)
  const lengthAt = (one: number, other: number): number => lengths[one * width + other] ?? 0
  for (let one = first.length - 1; one >= 0; one--) {
    for (let other = second.length - 1; other >= 0; other--) {
      lengths[one * width + other] = isSame(one, other)
        ? lengthAt(one + 1, other + 1) + 1
        : Math.max(lengthAt(one + 1, other), lengthAt(one, other + 1))
    }
  }
  const pairs: Pair[] = []
  for (let one = 0, other = 0; one < first.length && other < second.length;) {
    if (isSame(one, other)) pairs.push([one++, other++])
    else if (lengthAt(one + 1, other) >= lengthAt(one, other + 1)) one++
    else other++
  }
  return pairs

  function isSame(one: number, other: number): boolean {
    const [a, b] = [first[one], second[other]]
    return a !== undefined && b !== undefined && isEqual(a, b)
  }
}

function pairsInOnePass(first: readonly Layer[], second: readonly Layer[]): Pair[] {
  const pairs: Pair[] = []
  const places = new Map(first.map(({diffId}, at) => [diffId, at]))
  let next = 0
  for (const [other, {diffId}] of second.entries()) {
    const at = places.get(diffId)
    if (at === undefined || at < next) continue
    pairs.push([at, other])
    next = at + 1
  }
  return pairs
}
