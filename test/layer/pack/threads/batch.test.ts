import {describe, expect, it} from 'vitest'
import {readBatch, writeBatch} from '../../../../src/layer/pack/threads/batch.js'

describe('a batch of items', () => {
  it('has what was put into it, inodes of 64 bits and times before 1970 included', () => {
    const stat = {ctimeNs: 5n, mtimeNs: -7n, size: 3n, ino: -(2n ** 63n), dev: 1n, nlink: 2n}
    const items = [
      {header: new Uint8Array(512).fill(1), size: 0, hash: 1, file: undefined},
      {header: new Uint8Array(1024).fill(2), size: 3, hash: 2, file: {path: 'a', stat}},
      {header: new Uint8Array(512), size: 2, hash: 3, file: {path: 'b', stat, offset: 1}},
    ]
    expect([...readBatch(writeBatch(items, true))]).toEqual(items)
  })
})
