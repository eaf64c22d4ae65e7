import {describe, expect, it} from 'vitest'
import type {Entry} from '../../../src/layer/entry.js'
import {createLayerLooker} from '../../../src/layer/tree/layer-look.js'

const metadata = {mode: 0o644, uid: 0, gid: 0, mtime: 5, xattrs: undefined}
const file: Entry = {kind: 'file', path: 'a', size: 1, ...metadata}
const directory: Entry = {kind: 'directory', path: 'd', ...metadata}
const xattrs = (name: string, value: number[]) => new Map([[name, Uint8Array.from(value)]])

function lookOf(entries: readonly Entry[]): string {
  const looker = createLayerLooker()
  for (const entry of entries) looker.add(entry)
  return looker.look().digest
}

describe('the look of a layer', () => {
  it('is another one for entries that differ in anything but attributes of files', () => {
    const lists: readonly (readonly Entry[])[] = [
      [],
      [file],
      [file, file],
      [{...file, path: 'b'}],
      [{...file, size: 2}],
      [{...file, mode: 0o600}],
      [{...file, uid: 1}],
      [{...file, gid: 1}],
      [{...file, mtime: 6}],
      [
        {...file, path: 'ab'},
        {...file, path: 'c'},
      ],
      [
        {...file, path: 'a'},
        {...file, path: 'bc'},
      ],
      [directory],
      [{...directory, xattrs: xattrs('user.a', [1])}],
      [{...directory, xattrs: xattrs('user.a', [2])}],
      [{...directory, xattrs: xattrs('user.b', [1])}],
      [{kind: 'symlink', path: 'ab', target: 'c', ...metadata}],
      [{kind: 'symlink', path: 'a', target: 'bc', ...metadata}],
      [{kind: 'hardlink', path: 'a', target: 'bc', ...metadata}],
      [{kind: 'fifo', path: 'a', ...metadata}],
      [{kind: 'character-device', path: 'a', major: 1, minor: 2, ...metadata}],
      [{kind: 'character-device', path: 'a', major: 2, minor: 1, ...metadata}],
      [{kind: 'block-device', path: 'a', major: 1, minor: 2, ...metadata}],
    ]
    expect(new Set(lists.map(lookOf)).size).toBe(lists.length)
    expect(lookOf([{...file, xattrs: xattrs('user.a', [1])}])).toBe(lookOf([file]))
  })

  it('is another one if any of 5000 entries is, long paths among them', () => {
    const many = Array.from({length: 5000}, (_, number) => {
      const path = `${String(number)}-${'x'.repeat(number % 7 === 0 ? 3000 : number % 90)}`
      return {...file, path: number === 4000 ? 'y'.repeat(20_000) : path}
    })
    const changed = [0, 700, 2047, 2048, 4000, 4999].map((number) => {
      const path = `${many[number]!.path.slice(0, -1)}!`
      return many.map((entry, at) => (at === number ? {...entry, path} : entry))
    })
    const looks = [many, many.slice(1), ...changed].map(lookOf)
    expect(new Set(looks).size).toBe(looks.length)
    expect(lookOf([...many])).toBe(looks[0])
  })

  it('covers the content of files in memory, in its place', () => {
    const digests = [['a', 'b'], ['b', 'a'], ['ab'], ['a', 'b', '']].map((contents) => {
      const looker = createLayerLooker()
      for (const content of contents) looker.addContent(Buffer.from(content))
      return looker.look().digest
    })
    expect(new Set(digests).size).toBe(digests.length)
  })
})
