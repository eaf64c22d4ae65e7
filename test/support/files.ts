import type {EntryMetadata} from '../../src/layer/entry.js'
import {fromText} from '../../src/layer/byte-string.js'
import type {WalkedEntry} from '../../src/layer/tree/walked-entry.js'
import {makeEntry} from './put-image.js'

/** A file of a layer with its content. */
export function makeFile(
  path: string,
  content: string | Uint8Array,
  more: Partial<EntryMetadata> = {},
): WalkedEntry {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  const entry = makeEntry(fromText(path), {mode: 0o644, size: bytes.length, ...more})
  return {...entry, content: bytes}
}

/** A symbolic link of a layer. */
export function makeLink(path: string, target: string): WalkedEntry {
  const {path: own, mode, uid, gid, mtime, xattrs} = makeEntry(path).entry
  return {entry: {path: own, mode, uid, gid, mtime, xattrs, kind: 'symlink', target}}
}

/** The directories of these paths, outermost first, and what is at them. */
export function makeRoot(entries: readonly WalkedEntry[]): WalkedEntry[] {
  const folders = new Set<string>()
  for (const {entry} of entries)
    for (let end = entry.path.indexOf('/'); end > 0; end = entry.path.indexOf('/', end + 1))
      folders.add(entry.path.slice(0, end))
  const own = new Set(entries.map(({entry}) => entry.path))
  const missing = [...folders].filter((path) => !own.has(path)).sort()
  return [...missing.map((path) => makeEntry(`${path}/`)), ...entries]
}
