/** The attribute that holds a file's capabilities. */
export const capability = 'security.capability'

/** Of version 2: a word with the version and flags, and two sets of two words. */
const plainSize = 20

/**
 * A file's capabilities without the user namespace that they were given in (version 3), whose root
 * is another one wherever the layer is used: as Docker writes them. Any other value as it is.
 * https://github.com/torvalds/linux/blob/v6.12/include/uapi/linux/capability.h
 */
export function plainCapability(value: Uint8Array): Uint8Array {
  // little-endian: the version is in the last byte of the first word
  if (value[3] !== 3 || value.length !== plainSize + 4) return value
  const plain = Uint8Array.prototype.slice.call(value, 0, plainSize)
  plain[3] = 2
  return plain
}
