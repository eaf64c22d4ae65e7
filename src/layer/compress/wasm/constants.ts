// Every constant here decides which bytes come out: another value is another format, see
// docs/deflate.md. All of them were chosen by measuring.

/** Bytes of one block, at most: what is compressed in one call. */
export const BLOCK_BYTES: u32 = 256 * 1024

/** Slots of the table of positions, as a power of two. */
export const HASH_BITS: u32 = 15

/** Bytes that are hashed to find where a match may begin. */
export const HASHED_BYTES: u32 = 5

/** 2^64 over the golden ratio: spreads all bits of its factor over the upper ones. */
export const HASH_FACTOR: u64 = 0x9e3779b185ebca87

/** A run of literals of 2^n bytes makes the search skip; each further one makes it skip more. */
export const SKIP_BITS: u32 = 8

/** Pairs of bytes that are skipped at once, at most. */
export const MOST_SKIPPED: u32 = 16

/** Bytes before a block's end where nothing is searched: every load of 8 bytes stays in reach. */
export const TAIL_BYTES: u32 = 16

// What RFC 1951 fixes.

export const WINDOW_BYTES: u32 = 32768
export const LEAST_MATCH: u32 = 3
export const LONGEST_MATCH: u32 = 258
export const LONGEST_CODE: u32 = 15
/** Of the code for code lengths. */
export const LONGEST_LENGTH_CODE: u32 = 7
export const MOST_STORED: u32 = 65535

export const END_OF_BLOCK: u32 = 256
/** Symbols for literals, the end of a block, and lengths from 257 on. */
export const LITERAL_SYMBOLS: u32 = 286
export const DISTANCE_SYMBOLS: u32 = 30
export const LENGTH_CODE_SYMBOLS: u32 = 19

/** Where the symbols of distances stand in arrays that hold both alphabets. */
export const DISTANCES: u32 = 288

// Tokens: what the search hands to the writer, 32 bits each.
//   bits 0 to 8    0 to 255: a literal; 256 to 511: a match of that minus 253 bytes
//   bits 9 to 17   0 to 255: a second literal; 256 to 285: the distance's symbol; 286: nothing
//   bits 18 to 30  extra bits of the distance

/** In bits 9 to 17: the token ends with its first half. */
export const NOTHING: u32 = 286
/** What a length is plus this is its number in the lower 9 bits. */
export const LENGTH_OFFSET: u32 = 253
