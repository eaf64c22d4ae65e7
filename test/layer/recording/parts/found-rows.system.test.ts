import {linkSync, mkdirSync, symlinkSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it, vi} from 'vitest'
import {recordedWalk} from '../../../../src/layer/recording/recorded-walk.js'
import {walkParts} from '../../../../src/layer/recording/parts/walk-parts.js'
import {treeEntries} from '../../../../src/layer/tree/walk-tree.js'
import type {Tree} from '../../../../src/layer/tree/walked-entry.js'
import {tempDir} from '../../../support/temp-dir.js'
import {awaitThreads, threadCount} from '../../../support/thread-count.js'

const folders = Array.from({length: 80}, (_, number) => `d${100 + number}`)

/** 2,500 entries: enough that there are reports, and that it takes more than one turn. */
async function makeTree(): Promise<Tree> {
  const directory = await tempDir()
  for (const name of folders) {
    mkdirSync(join(directory, name))
    for (let number = 0; number < 28; number++)
      writeFileSync(join(directory, name, `ü${number}`), name.repeat(number))
    symlinkSync('täget', join(directory, name, 'symlink'))
    linkSync(join(directory, 'd100/ü1'), join(directory, name, 'a-link'))
  }
  return {directory, path: '/opt', exclude: []}
}

function recorded(tree: Tree, {most}: {readonly most?: number} = {}) {
  const entries = treeEntries({tree, onWarning: () => undefined})
  const parts = (of: Tree) => walkParts(of, 2, 1)
  return {entries, own: recordedWalk(entries, 'opt/', undefined, {most, parts})}
}

describe('what a walk found, in rows', () => {
  it('is what a walk without threads gives, and is told of while it is found', async () => {
    const {entries, own} = recorded(await makeTree())
    const told: number[] = []
    const found = await own.find?.({onFound: (count) => told.push(count)})
    const expected = [...entries('states')]
    expect(found).toMatchObject({count: expected.length})
    expect([...own('states')]).toEqual(expected)
    expect(told.length).toBeGreaterThan(0)
    expect(told).toEqual(told.toSorted((one, other) => one - other))
    expect(await own.find?.({})).toMatchObject({count: expected.length})
  })

  it('says where files are that threads alone have found', async () => {
    const directory = await tempDir()
    symlinkSync('target', join(directory, 'a'))
    for (const name of ['b', 'c']) mkdirSync(join(directory, name))
    for (const name of ['b/file', 'c/file']) writeFileSync(join(directory, name), name)
    const tree = {directory, path: '/opt', exclude: []}
    const {entries} = recorded(tree)
    const foundAlready = (of: Tree) => {
      const threads = walkParts(of, 2, 1)
      const count: typeof threads.count = (walked) => {
        const before = threadCount()
        threads.count(walked)
        awaitThreads(before)
      }
      return {...threads, count}
    }
    const own = recordedWalk(entries, 'opt/', undefined, {parts: foundAlready})
    await own.find?.({})
    expect([...own('states')]).toEqual([...entries('states')])
  })

  it('is nothing where it is too much to be kept, and the entries are still to be had', async () => {
    const {entries, own} = recorded(await makeTree(), {most: 1024})
    expect(await own.find?.({})).toBeUndefined()
    expect([...own('states')]).toEqual([...entries('states')])
  })

  it('is not found to the end once the signal is aborted', async () => {
    const {entries, own} = recorded(await makeTree())
    const signal = AbortSignal.abort(new Error('enough'))
    // each entry takes a turn of its own
    let time = 0
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => (time += 100))
    try {
      await expect(own.find?.({signal})).rejects.toThrow('enough')
    } finally {
      clock.mockRestore()
    }
    expect([...own('states')]).toEqual([...entries('states')])
  })

  it('waits for a thread no longer than the signal lets it', async () => {
    const {entries} = recorded(await makeTree())
    const aborting = new AbortController()
    const closed = vi.fn()
    const slow = recordedWalk(entries, 'opt/', undefined, {
      parts(tree) {
        const threads = walkParts(tree, 2, Infinity)
        const isBusy = (relative: string) => {
          if (relative === 'd101') setTimeout(() => aborting.abort(new Error('enough')), 20)
          return relative === 'd101'
        }
        return {...threads, isBusy, close: closed}
      },
    })
    await expect(slow.find?.({signal: aborting.signal})).rejects.toThrow('enough')
    expect(closed).toHaveBeenCalledOnce()
  })
})
