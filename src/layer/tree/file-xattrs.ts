import {readXattrs} from './xattrs/read-xattrs.js'
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
    yield withXattrs(walked, onWarning)
  }
}

/** The same for one entry, which stays as it is if it has none. */
export function withXattrs(walked: WalkedEntry, onWarning: (message: string) => void): WalkedEntry {
  const {entry, file} = walked
  if (!file || entry.kind !== 'file') return walked
  const access = typeof file.path === 'string' ? file.path : file.path.toString('latin1')
  const xattrs = readXattrs(access, onWarning)
  return xattrs ? {...walked, entry: {...entry, xattrs}} : walked
}
