// Lengths and distances as symbols with extra bits:
// https://www.rfc-editor.org/rfc/rfc1951#section-3.2.5

/** The shortest length, minus 3, of the symbol 257 plus `symbol`. */
@inline
export function lengthBase(symbol: u32): u32 {
  if (symbol < 8) return symbol
  return symbol == 28 ? 255 : (4 + (symbol & 3)) << ((symbol >> 2) - 1)
}

@inline
export function lengthExtraBits(symbol: u32): u32 {
  return symbol < 8 || symbol == 28 ? 0 : (symbol >> 2) - 1
}

@inline
export function distanceExtraBits(symbol: u32): u32 {
  return symbol < 4 ? 0 : (symbol >> 1) - 1
}

/** Extra bits of a symbol in an array of both alphabets, and of what runs of lengths have. */
@inline
export function runExtraBits(symbol: u32): u32 {
  return symbol < 16 ? 0 : symbol == 16 ? 2 : symbol == 17 ? 3 : 7
}

/** The order in which lengths of the code for code lengths are written: 16 17 18 0 8 7 9 6 10 … */
@inline
export function lengthCodeOrder(place: u32): u32 {
  if (place < 3) return 16 + place
  const n = place - 3
  if (n == 0) return 0
  return n & 1 ? 8 + (n >> 1) : 8 - (n >> 1)
}

/** Code lengths of the fixed codes. */
@inline
export function fixedLength(symbol: u32): u32 {
  return symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8
}
