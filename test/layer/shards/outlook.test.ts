import {describe, expect, it, vi} from 'vitest'
import {outlook} from '../../../src/layer/shards/outlook.js'
import type {WalkedEntry} from '../../../src/layer/tree/walked-entry.js'

const MiB = 1024 * 1024

const file = (path: string, size: number, mtime = 5): WalkedEntry => ({
  entry: {kind: 'file', path, size, mtime, mode: 0o644, uid: 0, gid: 0, xattrs: undefined},
})

/** A hundred files of 4 MiB, those of these numbers newer than the others. */
const tree = (...newer: number[]): WalkedEntry[] =>
  Array.from({length: 100}, (_, number) =>
    file(`file-${String(number).padStart(2, '0')}`, 4 * MiB, newer.includes(number) ? 6 : 5),
  )

describe('what is known of a tree before a file of it is read', () => {
  it('is nothing for one that keeps to its bounds', async () => {
    expect(await outlook(tree(), {newest: 5, limit: 401 * MiB})).toEqual({isOut: false, share: 0})
    expect(await outlook(tree(99), {})).toEqual({isOut: false, share: 0})
    expect(await outlook([], {newest: 5})).toMatchObject({isOut: false})
  })

  it('is that it is too large for its bound', async () => {
    expect((await outlook(tree(), {limit: 400 * MiB})).isOut).toBe(true)
  })

  it('is that something is newer, wherever it stands, and about what layers of it would be sent', async () => {
    for (const number of [0, 50, 99]) {
      const {isOut, share} = await outlook(tree(number), {newest: 5})
      expect(isOut).toBe(true)
      expect(share).toBeGreaterThan(0.01)
      expect(share).toBeLessThan(0.06)
    }
    expect((await outlook(tree(...Array(100).keys()), {newest: 5})).share).toBe(1)
    const one = (await outlook(tree(0), {newest: 5})).share
    expect((await outlook(tree(0, 60), {newest: 5})).share).toBeGreaterThan(one * 1.5)
  })

  it('gives others their turn, and ends with the signal', async () => {
    let time = 0
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => (time += 100))
    const aborting = new AbortController()
    const looked = outlook(tree(), {newest: 5}, aborting.signal)
    aborting.abort(new Error('enough'))
    await expect(looked).rejects.toThrow('enough')
    clock.mockRestore()
  })
})
