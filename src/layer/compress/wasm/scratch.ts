// Where things lie in the working memory of one thread, from its start. Nothing in it outlives a
// block but `lengthSymbols`.
import {BLOCK_BYTES, HASH_BITS} from './constants'

/** u16[2^HASH_BITS]: the lower half of the position where these bytes were seen last. */
export const POSITIONS: usize = 0
export const POSITIONS_BYTES: usize = (1 << HASH_BITS) * 2

/** u32[512] and u32[320]: how often each half of a token occurs; the second follows the first. */
export const FIRST_COUNTS: usize = POSITIONS + POSITIONS_BYTES
export const SECOND_COUNTS: usize = FIRST_COUNTS + 512 * 4
export const COUNTS_BYTES: usize = (512 + 320) * 4

/** u32[512]: by the first half of a token its bits, and in the upper byte how many. */
export const FIRST_CODES: usize = SECOND_COUNTS + 320 * 4
/** u32[320]: by the second half its code, in the third byte its length, in the upper one the sum. */
export const SECOND_CODES: usize = FIRST_CODES + 512 * 4

/** u32[320]: how often each symbol occurs; distances from `DISTANCES` on. */
export const FREQUENCIES: usize = SECOND_CODES + 320 * 4
/** u8[320]: lengths of the symbols' codes. */
export const CODE_LENGTHS: usize = FREQUENCIES + 320 * 4
/** u16[320]: the codes, their bits in the order in which they are written. */
export const CODES: usize = CODE_LENGTHS + 320

/** The alphabet of code lengths: u32[20] frequencies, u8[20] lengths, u16[20] codes. */
export const META_FREQUENCIES: usize = CODES + 320 * 2
export const META_LENGTHS: usize = META_FREQUENCIES + 20 * 4
export const META_CODES: usize = META_LENGTHS + 20
/** u16[320]: the code lengths with their runs: a symbol, and from bit 5 on its extra bits. */
export const RUNS: usize = META_CODES + 20 * 2

/** What Huffman's algorithm works on: u32[320] sort keys, u32[320] nodes, u32[32] and u32[32]. */
export const SORT_KEYS: usize = (RUNS + 320 * 2 + 7) & ~7
export const NODES: usize = SORT_KEYS + 320 * 4
export const LENGTH_COUNTS: usize = NODES + 320 * 4
export const NEXT_CODES: usize = LENGTH_COUNTS + 32 * 4

/** u8[256]: by a match's length minus 3 its symbol minus 257. */
export const LENGTH_SYMBOLS: usize = NEXT_CODES + 32 * 4

/** u32 for each token: in the worst case one for each byte. */
export const TOKENS: usize = LENGTH_SYMBOLS + 256
export const SCRATCH_BYTES: usize = TOKENS + (BLOCK_BYTES + 64) * 4
