import type {Entry} from '../../src/layer/entry.js'
import {createColumnWriter} from '../../src/layer/recording/columns/column-writer.js'
import {unknownState, type WalkColumns} from '../../src/layer/recording/columns/walk-columns.js'

const metadata = {mode: 0o755, uid: 0, gid: 0, mtime: 5, xattrs: undefined}

/** `d/` is a directory, `l@` a symlink, `h=` a hard link to `a`, all others are files. */
export function entryOf(word: string): Entry {
  const path = word.replace(/[/@=]$/, '')
  if (word.endsWith('/')) return {kind: 'directory', path, ...metadata}
  if (word.endsWith('@')) return {kind: 'symlink', path, target: 'somewhere', ...metadata}
  if (word.endsWith('=')) return {kind: 'hardlink', path, target: 'a', ...metadata}
  return {kind: 'file', path, size: 3, ...metadata}
}

/** Rows of entries, separated by spaces. */
export function columnsOf(words: string, state = {...unknownState, nlink: 1n}): WalkColumns {
  const rows = createColumnWriter()
  for (const word of words.split(' ')) rows.add(entryOf(word), state)
  return rows.columns()
}
