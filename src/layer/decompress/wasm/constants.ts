// What RFC 1951 fixes, and how tables are laid out.

export const LENGTH_CODE_SYMBOLS: u32 = 19
export const END_OF_BLOCK: u32 = 256
/** Symbols of the fixed code; the last two are never used. */
export const LITERAL_SYMBOLS: u32 = 288
export const DISTANCE_SYMBOLS: u32 = 32
/** Of dynamic codes. */
export const MOST_LITERAL_SYMBOLS: u32 = 286
export const MOST_DISTANCE_SYMBOLS: u32 = 30

/** Bits that are looked up at once; longer codes are in a second table. */
export const LITERAL_BITS: u32 = 11
export const DISTANCE_BITS: u32 = 8
export const LENGTH_CODE_BITS: u32 = 7

// Entries of tables, 32 bits each.
//   bits 0 to 5    bits of the code and the extra bits after it
//   bits 8 to 11   bits of the code
//   bit 14         with bit 15: the end of the block
//   bit 13         with bit 15: a second table begins at that place of the table
//   bit 15         neither a literal nor a length or distance
//   bits 16 to 30  the literal, the least length or distance, or that place
//   bit 31         a literal

export const LITERAL: u32 = 0x80000000
export const OTHER: u32 = 0x8000
export const END: u32 = 0x4000
export const SECOND: u32 = 0x2000

/** Bytes that may be read after a block; their values do not matter. */
export const INPUT_SLACK: u32 = 32
/** Bytes that may be written after the space for a block: more than one turn writes. */
export const OUTPUT_SLACK: u32 = 512
/** The largest inflated block in bytes. */
export const BLOCK_BYTES: u32 = 256 * 1024
