/** `auto` makes no smaller layers on average. */
export const leastTarget = 1024 * 1024
/** `auto` makes a quarter more layers than this, at most. */
export const autoLayers = 52
/** How much of a limit is aimed at: steps of size make up to a quarter more of it. */
export const aimed = 0.8

/** The average bytes of tar per layer with `auto`, for a tree of this size. */
export function autoLayerSize(bytes: number): number {
  return Math.max(leastTarget, steppedSize(bytes / (autoLayers * aimed)))
}

/**
 * About `bytes`, in steps of a quarter to a seventh: a size that does not move when the total it
 * was made from moves a little. Never more than `bytes`.
 */
export function steppedSize(bytes: number): number {
  let unit = 1
  while (unit * 8 <= bytes) unit *= 2
  return Math.floor(bytes / unit) * unit
}
