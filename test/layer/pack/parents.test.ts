import {expect, it} from 'vitest'
import type {EntryMetadata} from '../../../src/layer/entry.js'
import {
  directoriesOf,
  withBaseDirectories,
  withoutBaseDirectories,
} from '../../../src/layer/pack/parents.js'
import {makeEntry} from '../../support/put-image.js'

const entries = ['a/', 'a/b/', 'a/b/c', 'a/d/', 'ab/', 'e/', 'e/f', 'g/'].map((path) =>
  makeEntry(path),
)
const base = (...paths: string[]) =>
  new Map(
    paths.map((path): [string, EntryMetadata] => {
      const xattrs = new Map([['user.x', Buffer.from(path)]])
      return [path, {path, mode: 0o1777, uid: 1, gid: 2, mtime: 500, xattrs}]
    }),
  )

it('the directories of entries, and those above them', () => {
  expect([...directoriesOf(entries)].sort()).toEqual(['a', 'a/b', 'a/d', 'ab', 'e', 'g'])
  const deep = [makeEntry('opt/models/x/'), makeEntry('opt/models/x/file')]
  expect([...directoriesOf(deep)].sort()).toEqual(['opt', 'opt/models', 'opt/models/x'])
})

it('base: what the image has looks as it does there; all else as it was', () => {
  const own = base('a', 'a/d', 'a/b/c', 'zz')
  const found = [...withBaseDirectories(entries, own, 400)]
  for (const [position, {entry}] of found.entries()) {
    if (entry.path === 'a' || entry.path === 'a/d')
      expect(entry).toEqual({...own.get(entry.path), kind: 'directory', mtime: 400})
    else expect(entry).toEqual(entries[position]?.entry)
  }
  expect([...withBaseDirectories(entries, own)][0]?.entry.mtime).toBe(500)
})

it('omit: directories of the image with something in them have no entry; empty ones keep theirs', () => {
  const left = (...paths: string[]) =>
    [...withoutBaseDirectories(entries, base(...paths))].map(({entry}) => entry.path)
  expect(left()).toEqual(['a', 'a/b', 'a/b/c', 'a/d', 'ab', 'e', 'e/f', 'g'])
  expect(left('a', 'a/b', 'a/d', 'g')).toEqual(['a/b/c', 'a/d', 'ab', 'e', 'e/f', 'g'])
  expect(left('a', 'ab', 'e')).toEqual(['a/b', 'a/b/c', 'a/d', 'ab', 'e/f', 'g'])
})
