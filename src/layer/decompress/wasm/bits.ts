// The input bits, the first one lowest. 8 bytes are read at once, so up to 8 after the last
// one that counts.

let waiting: u64 = 0
let waitingBits: u32 = 0
let input: usize = 0

export function begin(at: usize): void {
  waiting = 0
  waitingBits = 0
  input = at
}

/** Where `resume` starts. */
export function bitsWaiting(): u64 {
  return waiting
}

export function countWaiting(): u32 {
  return waitingBits
}

/** The address after the bytes of the buffered bits. */
export function inputAt(): usize {
  return input
}

/** Continues after another reader has used some of `bitsWaiting`. */
export function resume(bits: u64, count: u32, at: usize): void {
  waiting = bits
  waitingBits = count
  input = at
}

/** Afterwards at least 56 bits are buffered. */
@inline
export function refill(): void {
  waiting |= load<u64>(input) << waitingBits
  input += (63 - waitingBits) >>> 3
  waitingBits |= 56
}

/** Takes the next bits, which must be buffered; fewer than 32. */
@inline
export function take(count: u32): u32 {
  const taken = <u32>waiting & ((1 << count) - 1)
  waiting >>= count
  waitingBits -= count
  return taken
}

/** Returns the next bits without taking them. */
@inline
export function peek(count: u32): u32 {
  return <u32>waiting & ((1 << count) - 1)
}

/** The address of the next whole byte; skips the bits before it and empties the buffer. */
export function nextByte(): usize {
  const at = input - (waitingBits >>> 3)
  begin(at)
  return at
}

/** The address after the last byte of which any bits were taken. */
export function taken(): usize {
  return input - (waitingBits >>> 3)
}
