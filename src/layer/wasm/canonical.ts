// Codes by their lengths, as RFC 1951 numbers them.

/** Bits of a code, at most. */
export const LONGEST_CODE: u32 = 15

/**
 * Writes the first code of each length to `next`, u32[16], for `count` symbols whose codes have
 * these lengths, u8 each; 0 for a symbol without one. `counts` is room for u32[16]. Returns
 * `1 << LONGEST_CODE` where the codes are complete, and no other number.
 * https://www.rfc-editor.org/rfc/rfc1951#section-3.2.2
 */
export function firstCodes(lengths: usize, count: u32, counts: usize, next: usize): u32 {
  memory.fill(counts, 0, 16 * 4)
  for (let symbol: u32 = 0; symbol < count; symbol++) {
    const place = counts + (<u32>load<u8>(lengths + symbol) << 2)
    store<u32>(place, load<u32>(place) + 1)
  }
  store<u32>(counts, 0)
  let code: u32 = 0
  for (let length: u32 = 1; length <= LONGEST_CODE; length++) {
    code = (code + load<u32>(counts + ((length - 1) << 2))) << 1
    store<u32>(next + (length << 2), code)
  }
  return code + load<u32>(counts + (LONGEST_CODE << 2))
}

/** The next code of this length by `next`, with its bits in the order of a deflate stream. */
@inline
export function takeCode(next: usize, length: u32): u32 {
  const place = next + (length << 2)
  const code = load<u32>(place)
  store<u32>(place, code + 1)
  return reversed(code, length)
}

/** The lower `count` bits (up to 16), the first one last. */
@inline
function reversed(bits: u32, count: u32): u32 {
  let b = ((bits & 0x5555) << 1) | ((bits >>> 1) & 0x5555)
  b = ((b & 0x3333) << 2) | ((b >>> 2) & 0x3333)
  b = ((b & 0x0f0f) << 4) | ((b >>> 4) & 0x0f0f)
  b = ((b & 0xff) << 8) | (b >>> 8)
  return b >>> (16 - count)
}
