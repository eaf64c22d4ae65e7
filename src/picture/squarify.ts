/** A rectangle of a drawing, in its units. */
export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/**
 * Divides a box into one box for each weight, in their order, with areas in proportion and sides as
 * equal as that allows. Weights must be positive, the largest first. M. Bruls, K. Huizing, J. van
 * Wijk, "Squarified Treemaps", 2000.
 */
export function squarify(weights: readonly number[], box: Box): Box[] {
  const boxes: Box[] = []
  let rest = box
  let left = weights.reduce((sum, weight) => sum + weight, 0)
  for (let start = 0; start < weights.length;) {
    const scale = (rest.width * rest.height) / left
    const {row, sum} = nextRow(weights.slice(start), scale, Math.min(rest.width, rest.height))
    const upright = rest.width >= rest.height
    const depth = (sum * scale) / (upright ? rest.height : rest.width)
    boxes.push(...rowOf(row, sum, depth, rest))
    rest = upright
      ? {...rest, x: rest.x + depth, width: Math.max(0, rest.width - depth)}
      : {...rest, y: rest.y + depth, height: Math.max(0, rest.height - depth)}
    left -= sum
    start += row.length
  }
  return boxes
}

/** As many of the first weights as make the worst ratio of sides no worse. */
function nextRow(
  weights: readonly number[],
  scale: number,
  side: number,
): {readonly row: readonly number[]; readonly sum: number} {
  let [sum, least, most, worst] = [0, Infinity, 0, Infinity]
  let length = 0
  for (const weight of weights) {
    const [more, smallest, largest] = [
      sum + weight,
      Math.min(least, weight),
      Math.max(most, weight),
    ]
    const area = (more * scale) ** 2
    const square = side * side * scale
    const ratio = Math.max((square * largest) / area, area / (square * smallest))
    if (ratio > worst) break
    ;[sum, least, most, worst] = [more, smallest, largest, ratio]
    length++
  }
  return {row: weights.slice(0, length), sum}
}

/** Along the shorter side. */
function rowOf(row: readonly number[], sum: number, depth: number, box: Box): Box[] {
  let at = 0
  return row.map((weight) => {
    const isUpright = box.width >= box.height
    const share = ((isUpright ? box.height : box.width) * weight) / sum
    const before = at
    at += share
    return isUpright
      ? {x: box.x, y: box.y + before, width: depth, height: share}
      : {x: box.x + before, y: box.y, width: share, height: depth}
  })
}
