// Lengths of codes from frequencies, and codes from lengths.
import {LENGTH_COUNTS, NEXT_CODES, NODES, SORT_KEYS} from './scratch'

/** A frequency is below 2^23, a symbol below 2^9: both fit into one sort key. */
const SYMBOL_BITS: u32 = 9
const SYMBOL_MASK: u32 = (1 << SYMBOL_BITS) - 1

/**
 * Writes the lengths of the best prefix code for `count` symbols with these `frequencies`, none
 * longer than `longest` bits; 0 for symbols that do not occur. At least two symbols have a code, so
 * that the code is complete: the first ones that do not occur are counted once where there are less.
 */
export function codeLengths(
  scratch: usize,
  frequencies: usize,
  count: u32,
  longest: u32,
  lengths: usize,
): void {
  const keys = scratch + SORT_KEYS
  const used = sortedKeys(keys, frequencies, count, lengths)
  depths(keys, scratch + NODES, used)
  limitLengths(scratch, used, longest)
  // the most frequent symbols get the shortest codes
  const counts = scratch + LENGTH_COUNTS
  let next = used
  for (let length: u32 = 1; length <= longest; length++)
    for (let left = load<u32>(counts + (length << 2)); left > 0; left--) {
      next--
      store<u8>(lengths + (load<u32>(keys + (next << 2)) & SYMBOL_MASK), length)
    }
}

/** Clears the lengths, and returns how many symbols occur: their keys in order, rarest first. */
function sortedKeys(keys: usize, frequencies: usize, count: u32, lengths: usize): i32 {
  let used: i32 = 0
  for (let symbol: u32 = 0; symbol < count; symbol++) {
    store<u8>(lengths + symbol, 0)
    const frequency = load<u32>(frequencies + (symbol << 2))
    if (!frequency) continue
    store<u32>(keys + (used << 2), (frequency << SYMBOL_BITS) | symbol)
    used++
  }
  for (let symbol: u32 = 0; used < 2; symbol++) {
    const frequency = frequencies + (symbol << 2)
    if (load<u32>(frequency)) continue
    store<u32>(frequency, 1)
    store<u32>(keys + (used << 2), (1 << SYMBOL_BITS) | symbol)
    used++
  }
  // Shell's sort, with Ciura's gaps
  for (let gap = used > 64 ? 57 : used > 24 ? 23 : 10; gap > 0; gap = nextGap(gap))
    for (let at = gap; at < used; at++) {
      const key = load<u32>(keys + (at << 2))
      let to = at
      while (to >= gap && load<u32>(keys + ((to - gap) << 2)) > key) {
        store<u32>(keys + (to << 2), load<u32>(keys + ((to - gap) << 2)))
        to -= gap
      }
      store<u32>(keys + (to << 2), key)
    }
  return used
}

function nextGap(gap: i32): i32 {
  return gap == 57 ? 23 : gap == 23 ? 10 : gap == 10 ? 4 : gap == 4 ? 1 : 0
}

/**
 * Moffat and Katajainen, In-place calculation of minimum-redundancy codes (1995): from sorted
 * frequencies to depths of leaves, in one array: first weights and parents of inner nodes, then
 * their depths, then those of the leaves.
 */
function depths(keys: usize, nodes: usize, used: i32): void {
  for (let at = 0; at < used; at++)
    store<u32>(nodes + (at << 2), load<u32>(keys + (at << 2)) >>> SYMBOL_BITS)
  if (used == 2) {
    store<u32>(nodes, 1)
    store<u32>(nodes, 1, 4)
    return
  }
  let root = 0
  let leaf = 2
  store<u32>(nodes, load<u32>(nodes) + load<u32>(nodes, 4))
  for (let node = 1; node < used - 1; node++) {
    let weight: u32 = 0
    for (let child = 0; child < 2; child++) {
      const hasRoot = root < node
      const rootWeight = load<u32>(nodes + (root << 2))
      if (leaf >= used || (hasRoot && rootWeight < load<u32>(nodes + (leaf << 2)))) {
        weight += rootWeight
        store<u32>(nodes + (root << 2), node)
        root++
      } else {
        weight += load<u32>(nodes + (leaf << 2))
        leaf++
      }
    }
    store<u32>(nodes + (node << 2), weight)
  }
  store<u32>(nodes + ((used - 2) << 2), 0)
  for (let node = used - 3; node >= 0; node--) {
    const parent = load<u32>(nodes + (node << 2))
    store<u32>(nodes + (node << 2), load<u32>(nodes + (parent << 2)) + 1)
  }
  let available = 1
  let inner = 0
  let depth: u32 = 0
  let node = used - 2
  let next = used - 1
  while (available > 0) {
    while (node >= 0 && load<u32>(nodes + (node << 2)) == depth) {
      inner++
      node--
    }
    while (available > inner) {
      store<u32>(nodes + (next << 2), depth)
      next--
      available--
    }
    available = 2 * inner
    depth++
    inner = 0
  }
}

/**
 * How many codes have each length, once those that are too long are cut: then the code is not valid
 * (the sum of 2^-length exceeds 1), and shorter ones are made longer until it is.
 */
function limitLengths(scratch: usize, used: i32, longest: u32): void {
  const counts = scratch + LENGTH_COUNTS
  const nodes = scratch + NODES
  memory.fill(counts, 0, 32 * 4)
  for (let at = 0; at < used; at++) {
    const count = counts + (min<u32>(load<u32>(nodes + (at << 2)), longest) << 2)
    store<u32>(count, load<u32>(count) + 1)
  }
  let sum: u32 = 0
  for (let length: u32 = 1; length <= longest; length++)
    sum += load<u32>(counts + (length << 2)) << (longest - length)
  const most = counts + (longest << 2)
  while (sum != <u32>1 << longest) {
    store<u32>(most, load<u32>(most) - 1)
    for (let length = longest - 1; length > 0; length--) {
      const count = load<u32>(counts + (length << 2))
      if (!count) continue
      store<u32>(counts + (length << 2), count - 1)
      const longer = counts + ((length + 1) << 2)
      store<u32>(longer, load<u32>(longer) + 2)
      break
    }
    sum--
  }
}

/**
 * The codes of `count` symbols by their lengths, with their bits in the order of a deflate stream.
 * https://www.rfc-editor.org/rfc/rfc1951#section-3.2.2
 */
export function canonicalCodes(scratch: usize, lengths: usize, count: u32, codes: usize): void {
  const counts = scratch + LENGTH_COUNTS
  const next = scratch + NEXT_CODES
  memory.fill(counts, 0, 32 * 4)
  for (let symbol: u32 = 0; symbol < count; symbol++) {
    const place = counts + (<u32>load<u8>(lengths + symbol) << 2)
    store<u32>(place, load<u32>(place) + 1)
  }
  store<u32>(counts, 0)
  let code: u32 = 0
  for (let length: u32 = 1; length < 16; length++) {
    code = (code + load<u32>(counts + ((length - 1) << 2))) << 1
    store<u32>(next + (length << 2), code)
  }
  for (let symbol: u32 = 0; symbol < count; symbol++) {
    const length = <u32>load<u8>(lengths + symbol)
    if (!length) continue
    const place = next + (length << 2)
    const own = load<u32>(place)
    store<u32>(place, own + 1)
    store<u16>(codes + (symbol << 1), reversed(own, length))
  }
}

/** The lower `count` bits (up to 16), reversed. */
@inline
function reversed(bits: u32, count: u32): u32 {
  let b = ((bits & 0x5555) << 1) | ((bits >>> 1) & 0x5555)
  b = ((b & 0x3333) << 2) | ((b >>> 2) & 0x3333)
  b = ((b & 0x0f0f) << 4) | ((b >>> 4) & 0x0f0f)
  b = ((b & 0xff) << 8) | (b >>> 8)
  return b >>> (16 - count)
}
