/**
 * What one stored block of deflate can hold. https://www.rfc-editor.org/rfc/rfc1951#section-3.2.4
 */
const longest = 65_535

/** Bytes looked at of a block, in pieces from all over it. */
const sampled = 4096
const pieces = 16

/** Bytes that are compressed for a trial. */
export const trialLength = 16 * 1024

/**
 * The bytes as deflate blocks that are not compressed, none of them the last one. They stand at a
 * byte boundary.
 */
export function storedBlocks(bytes: Uint8Array): Uint8Array {
  const count = Math.ceil(bytes.length / longest)
  const result = Buffer.allocUnsafeSlow(bytes.length + 5 * count)
  let at = 0
  for (let from = 0; from < bytes.length; from += longest) {
    const part = bytes.subarray(from, from + longest)
    at = result.writeUInt8(0, at)
    at = result.writeUInt16LE(part.length, at)
    at = result.writeUInt16LE(~part.length & 0xffff, at)
    result.set(part, at)
    at += part.length
  }
  return result
}

/**
 * Whether a block looks like noise: all bytes about as frequent in samples of it. Whatever this
 * says is part of the format. Of what is noise one in a million is missed; text, programs and
 * pictures that are not compressed are never taken for it.
 */
export function looksLikeNoise(block: Uint8Array): boolean {
  if (block.length < 2 * sampled) return false
  const counts = new Uint16Array(256)
  const piece = sampled / pieces
  for (let n = 0; n < pieces; n++) {
    const start = Math.floor(((block.length - piece) * n) / (pieces - 1))
    for (let at = start; at < start + piece; at++) {
      const value = block[at] ?? 0
      counts[value] = (counts[value] ?? 0) + 1
    }
  }
  // chi-squared over 256 equally likely values: 255 on average, 23 the standard deviation
  const expected = sampled / 256
  let sum = 0
  for (const count of counts) sum += (count - expected) ** 2
  return sum / expected < 400
}
