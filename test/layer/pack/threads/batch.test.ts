import {describe, expect, it} from 'vitest'
import {readBatch, writeBatch} from '../../../../src/layer/pack/threads/batch.js'
import {isSame} from '../../../../src/layer/tree/unchanged-file.js'

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

  it('has files that are not taken for changed, if their times are later than 2262', () => {
    const stat = {ctimeNs: 5n, mtimeNs: 2n ** 63n, size: 3n, ino: 1n, dev: 1n, nlink: 1n}
    const item = {header: new Uint8Array(512), size: 3, hash: 2, file: {path: 'a', stat}}
    const [found] = readBatch(writeBatch([item], true))
    expect(found?.file && isSame(found.file.stat, stat)).toBe(true)
    expect(found?.file && isSame(found.file.stat, {...stat, mtimeNs: 5n})).toBe(false)
  })
})
