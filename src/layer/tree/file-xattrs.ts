import {readXattrs} from './read-xattrs.js'
import type {WalkedEntry} from './walked-entry.js'

/**
 * Entries of the detail `states` as those of `metadata`: with the attributes of files. Throws what
 * `readXattrs` throws.
 */
export function* withFileXattrs(
  entries: Iterable<WalkedEntry>,
  onWarning: (message: string) => void,
): Generator<WalkedEntry> {
  for (const walked of entries) {
    const {entry, file} = walked
    if (!file || entry.kind !== 'file') yield walked
    else {
      const access = typeof file.path === 'string' ? file.path : file.path.toString('latin1')
      yield {...walked, entry: {...entry, xattrs: readXattrs(access, onWarning)}}
    }
  }
}
