// Where things lie in the working memory of one thread, from its start. Only the first three
// outlive a block.
import {LONGEST_CODE} from '../../wasm/canonical'
import {DISTANCE_BITS, LENGTH_CODE_BITS, LITERAL_BITS} from './constants'

/** u32[288], u32[32] and u32[19]: the entry of each symbol, without its code. */
export const LITERAL_RESULTS: usize = 0
export const DISTANCE_RESULTS: usize = LITERAL_RESULTS + 288 * 4
export const LENGTH_CODE_RESULTS: usize = DISTANCE_RESULTS + 32 * 4

/** u8[320]: the code lengths of literals, then those of distances. */
export const CODE_LENGTHS: usize = LENGTH_CODE_RESULTS + 20 * 4
/** u8[20]: of the code for code lengths. */
export const LENGTH_CODE_LENGTHS: usize = CODE_LENGTHS + 320
/** u32[16] and u32[16]: the number of codes of each length, and the next code of that length. */
export const LENGTH_COUNTS: usize = LENGTH_CODE_LENGTHS + 20 + 4
export const NEXT_CODES: usize = LENGTH_COUNTS + 16 * 4

// A first table, and a second one for each of its places that more than one longer code begins
// with: there are at most half as many of these as symbols.

export const LITERAL_TABLE: usize = NEXT_CODES + 16 * 4
const LITERAL_TABLE_LENGTH: usize =
  (1 << LITERAL_BITS) + 143 * (1 << (LONGEST_CODE - LITERAL_BITS))
export const DISTANCE_TABLE: usize = LITERAL_TABLE + LITERAL_TABLE_LENGTH * 4
const DISTANCE_TABLE_LENGTH: usize =
  (1 << DISTANCE_BITS) + 16 * (1 << (LONGEST_CODE - DISTANCE_BITS))
export const LENGTH_CODE_TABLE: usize = DISTANCE_TABLE + DISTANCE_TABLE_LENGTH * 4
export const SCRATCH_BYTES: usize = LENGTH_CODE_TABLE + (1 << LENGTH_CODE_BITS) * 4
