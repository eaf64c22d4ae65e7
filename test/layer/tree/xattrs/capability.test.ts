import {expect, it} from 'vitest'
import {plainCapability} from '../../../../src/layer/tree/xattrs/capability.js'

const sets = Buffer.from('0004000000000000' + '0000000000000000', 'hex')
const version = (number: number, flags = 1) => Buffer.from([flags, 0, 0, number])
const rootId = Buffer.from('e8030000', 'hex')

it('W12 version 3, of a user namespace, becomes version 2 with the same sets and flags', () => {
  for (const flags of [0, 1]) {
    const value = Buffer.concat([version(3, flags), sets, rootId])
    expect(Buffer.from(plainCapability(value))).toEqual(Buffer.concat([version(2, flags), sets]))
  }
})

it('W12 other versions stay, and so do invalid values', () => {
  const others = [
    Buffer.concat([version(2), sets]),
    Buffer.concat([version(1), sets.subarray(0, 8)]),
    Buffer.concat([version(3), sets]),
    Buffer.concat([version(4), sets, rootId]),
    Buffer.alloc(0),
  ]
  for (const value of others) expect(plainCapability(value)).toBe(value)
})
