/** A generator of its own, so that a failure comes again. */
export function random(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** Bytes of many kinds: noise, few values, runs, copies from near, from far, of themselves. */
export function generated(next: (below: number) => number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  const values = 1 + next(next(2) === 0 ? 4 : 256)
  for (let at = 0; at < length;) {
    const piece = Math.min(1 + next(next(8) === 0 ? 400 : 20), length - at)
    const kind = next(6)
    if (kind === 0) bytes.fill(next(256), at, at + piece)
    else if (kind < 4 && at > 0) {
      const from = at - 1 - next(Math.min(at, kind === 1 ? 8 : 40_000))
      for (let i = 0; i < piece; i++) bytes[at + i] = bytes[from + i] ?? 0
    } else for (let i = 0; i < piece; i++) bytes[at + i] = next(values)
    at += piece
  }
  return bytes
}

export const noise = (length: number, seed = 1): Buffer => {
  const next = random(seed)
  const bytes = Buffer.alloc(length)
  for (let at = 0; at < length; at++) bytes[at] = next(256)
  return bytes
}
