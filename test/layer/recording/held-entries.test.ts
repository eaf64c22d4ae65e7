import {describe, expect, it} from 'vitest'
import type {Entry} from '../../../src/layer/entry.js'
import {heldIn, holdEntries, mostHeld} from '../../../src/layer/recording/held-entries.js'
import type {WalkedEntry} from '../../../src/layer/tree/walked-entry.js'

const common = {mode: 0o755, uid: 1, gid: 2, mtime: 1_700_000_000, xattrs: undefined}
const stat = {ctimeNs: -5n, mtimeNs: 2n ** 62n, size: 7n, ino: 2n ** 63n - 1n, dev: 3n, nlink: 1n}

function fileAt(path: string, access: string | Buffer = `/tree/${path}`): WalkedEntry {
  return {entry: {kind: 'file', size: 7, path, ...common}, file: {path: access, stat}}
}

const link = {kind: 'hardlink', target: 'a/one', path: 'a/two', ...common} as const
const attributes = new Map([['user.x', Buffer.from('y')]])
const entries: readonly WalkedEntry[] = [
  {entry: {kind: 'directory', path: 'a', ...common, mtime: 0}},
  fileAt('a/one'),
  {entry: link},
  fileAt('a/\xff', Buffer.from('/tree/a/\xff', 'latin1')),
  {entry: {kind: 'symlink', target: '../b', path: 'a/link', ...common, mtime: 1_800_000_000}},
  // what rows cannot hold
  {entry: {kind: 'fifo', path: 'a/pipe', ...common}},
  {entry: {kind: 'directory', path: 'b', ...common, xattrs: attributes}},
  {entry: {kind: 'file', size: 0, path: 'b/.wh.gone', ...common}},
  {entry: {kind: 'file', size: 1, path: 'b/here', ...common}, content: Buffer.from('x')},
  {...fileAt('b/part'), file: {path: '/archive', stat, offset: 512}},
  fileAt('c'),
]

function held(list: Iterable<WalkedEntry>) {
  const all = holdEntries()
  for (const walked of list) expect(all.add(walked)).toBe(true)
  return all.rows()
}

describe('entries that are held', () => {
  it('are what they were, more than once', () => {
    const rows = held(entries)
    for (let round = 0; round < 2; round++) expect([...heldIn(rows)]).toEqual(entries)
    expect(rows.oddOnes).toHaveLength(5)
  })

  it('are the same after a message to another thread', () => {
    expect([...heldIn(structuredClone(held(entries)))]).toEqual(
      // an array of bytes is as good for content and attributes
      entries.map((walked) => ({
        ...walked,
        ...(walked.content && {content: Uint8Array.from(walked.content)}),
        entry: {
          ...walked.entry,
          xattrs: walked.entry.xattrs && new Map([['user.x', Uint8Array.from(Buffer.from('y'))]]),
        },
      })),
    )
  })

  it('have a size and a newest time', () => {
    const {tarBytes, newestMtime} = held(entries)
    expect(newestMtime).toBe(1_800_000_000)
    expect(tarBytes).toBe(512 * entries.length + 4 * 7)
    expect(held([]).newestMtime).toBe(-Infinity)
  })

  it('take few bytes, and are not held once they are too many', () => {
    const all = holdEntries()
    let count = 0
    while (all.add(fileAt(`folder/${'name-'.repeat(5)}${count}`))) count++
    expect(count).toBeGreaterThan(50_000)
    const {pieces} = all.rows()
    expect(pieces.reduce((sum, {length}) => sum + length, 0)).toBeLessThanOrEqual(mostHeld)
    const odd: Entry = {kind: 'fifo', path: 'pipe', ...common}
    const objects = holdEntries()
    for (count = 0; objects.add({entry: odd}); count++) expect(count).toBeLessThan(2000)
  })
})
