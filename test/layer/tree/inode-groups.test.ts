import {describe, expect, it} from 'vitest'
import {createInodeGroups} from '../../../src/layer/tree/inode-groups.js'

describe('things that have several names', () => {
  it('are numbered as they come, and known by their first names', () => {
    const groups = createInodeGroups()
    for (let round = 0; round < 3; round++) {
      for (let number = 0; number < 20_000; number++) {
        const inode = {dev: BigInt(number % 3), ino: (BigInt(number) << 40n) + BigInt(number >> 2)}
        const found = groups.find(inode, `path ${number} ${round}`)
        if (found.group !== number || found.first !== `path ${number} 0`)
          expect({number, round, ...found}).toEqual({
            number,
            round,
            group: number,
            first: `path ${number} 0`,
          })
      }
    }
    expect(groups.find({dev: 9n, ino: 9n}, 'new')).toEqual({group: 20_000, first: 'new'})
  })

  it('are told apart by their device', () => {
    const groups = createInodeGroups()
    const largest = 2n ** 64n - 1n
    expect(groups.find({dev: 1n, ino: largest}, 'a').group).toBe(0)
    expect(groups.find({dev: 2n, ino: largest}, 'b').group).toBe(1)
    expect(groups.find({dev: 1n, ino: largest}, 'c')).toEqual({group: 0, first: 'a'})
  })
  it('are known by inodes of 64 bits, which Node gives as negative numbers', () => {
    const groups = createInodeGroups()
    expect(groups.find({dev: 1n, ino: -5n}, 'a').group).toBe(0)
    expect(groups.find({dev: 1n, ino: -6n}, 'b').group).toBe(1)
    expect(groups.find({dev: 1n, ino: -5n}, 'c')).toEqual({group: 0, first: 'a'})
    for (let number = 2; number < 2000; number++)
      groups.find({dev: 1n, ino: -5n - BigInt(number)}, `path ${number}`)
    expect(groups.find({dev: 1n, ino: -5n}, 'd')).toEqual({group: 0, first: 'a'})
  })
})
