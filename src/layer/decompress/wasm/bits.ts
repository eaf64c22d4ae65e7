// Bits as they come in, the first one lowest. 8 bytes are read at once, so up to 8 behind the last
// one that counts.

let waiting: u64 = 0
let waitingBits: u32 = 0
let input: usize = 0

export function begin(at: usize): void {
  waiting = 0
  waitingBits = 0
  input = at
}

/** From where `resume` left off. */
export function bitsWaiting(): u64 {
  return waiting
}

export function countWaiting(): u32 {
  return waitingBits
}

/** Behind the bytes that the bits that wait are of. */
export function inputAt(): usize {
  return input
}

/** Goes on behind what someone else took of `bitsWaiting`. */
export function resume(bits: u64, count: u32, at: usize): void {
  waiting = bits
  waitingBits = count
  input = at
}

/** Afterwards at least 56 bits wait. */
@inline
export function refill(): void {
  waiting |= load<u64>(input) << waitingBits
  input += (63 - waitingBits) >>> 3
  waitingBits |= 56
}

/** The next bits, which wait; fewer than 32. */
@inline
export function take(count: u32): u32 {
  const taken = <u32>waiting & ((1 << count) - 1)
  waiting >>= count
  waitingBits -= count
  return taken
}

/** The next bits, without taking them. */
@inline
export function peek(count: u32): u32 {
  return <u32>waiting & ((1 << count) - 1)
}

/** The address of the next whole byte: bits before it are passed over, and none wait. */
export function nextByte(): usize {
  const at = input - (waitingBits >>> 3)
  begin(at)
  return at
}

/** How far the bits were taken: the address behind the last byte that anything was taken of. */
export function taken(): usize {
  return input - (waitingBits >>> 3)
}
