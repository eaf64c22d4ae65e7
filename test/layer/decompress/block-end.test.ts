import {describe, expect, it} from 'vitest'
import {blockEnd} from '../../../src/layer/decompress/block-end.js'

const flush = Buffer.of(0, 0, 0, 0xff, 0xff)
const stored = (content: Buffer): Buffer => {
  const sizes = Buffer.alloc(5)
  sizes.writeUInt16LE(content.length, 1)
  sizes.writeUInt16LE(content.length ^ 0xffff, 3)
  return Buffer.concat([sizes, content])
}
/** Looks like a block with codes, to its first byte. */
const coded = Buffer.from([4, 1, 2, 3, 4, 5])

describe('blockEnd', () => {
  it('is behind the first sync flush', () => {
    const bytes = Buffer.concat([coded, flush, coded, flush])
    expect(blockEnd(bytes, 0)).toBe(11)
    expect(blockEnd(bytes, 11)).toBe(22)
    expect(blockEnd(bytes, 22)).toBeUndefined()
  })

  it('is not in what is stored', () => {
    const parts = [stored(flush), stored(Buffer.alloc(1000, flush)), flush]
    const bytes = Buffer.concat([...parts, coded, flush])
    expect(blockEnd(bytes, 0)).toBe(10 + 1005 + 5)
    expect(blockEnd(Buffer.concat([stored(flush), coded, flush]), 0)).toBe(21)
  })

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['the last block', Buffer.of(3, 0, 1, 2, 3, 4, 0, 0, 0xff, 0xff)],
    ['a stored block that is cut off', stored(Buffer.alloc(100)).subarray(0, 50)],
    ['a stored length that is not confirmed', Buffer.of(0, 5, 0, 5, 0, 0, 0, 0, 0xff, 0xff)],
    ['half a flush', Buffer.concat([coded, flush.subarray(0, 4)])],
    ['the sizes of a stored block, cut off', Buffer.of(0, 0, 0)],
    ['a flush that is too far', Buffer.concat([coded, Buffer.alloc(257 * 1024, 1), flush])],
  ])('is not there for %s', (_, bytes) => {
    expect(blockEnd(bytes, 0)).toBeUndefined()
  })
})
