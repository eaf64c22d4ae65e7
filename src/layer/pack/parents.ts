import type {ByteString} from '../byte-string.js'
import type {EntryMetadata} from '../entry.js'
import type {WalkedEntry} from '../tree/walked-entry.js'

/**
 * What becomes of a directory that the image has from its other layers: as in the directory to be
 * packed (`dir`), as it is there (`base`), or, when there is something in it, no entry at all
 * (`omit`).
 */
export type Parents = 'dir' | 'base' | 'omit'
export const parentsModes = ['dir', 'base', 'omit'] as const satisfies Parents[]

/** The directories among the entries, with all those above them. */
export function directoriesOf(entries: Iterable<WalkedEntry>): Set<ByteString> {
  const found = new Set<ByteString>()
  for (const {entry} of entries) {
    if (entry.kind === 'directory') found.add(entry.path)
    // a slot's path may lead through directories that have no entry of their own
    for (
      let end = entry.path.lastIndexOf('/');
      end > 0;
      end = entry.path.lastIndexOf('/', end - 1)
    ) {
      const folder = entry.path.slice(0, end)
      if (found.has(folder)) break
      found.add(folder)
    }
  }
  return found
}

/**
 * The entries with the image's own directories in the places of theirs: mode, owner, attributes and
 * time, this one not beyond `clampMtime`.
 */
export function* withBaseDirectories(
  entries: Iterable<WalkedEntry>,
  base: ReadonlyMap<ByteString, EntryMetadata>,
  clampMtime = Infinity,
): Generator<WalkedEntry> {
  for (const walked of entries) {
    const {entry} = walked
    const own = entry.kind === 'directory' ? base.get(entry.path) : undefined
    if (!own) yield walked
    else {
      const mtime = Math.min(own.mtime, clampMtime)
      yield {entry: {...own, kind: 'directory', path: entry.path, mtime}}
    }
  }
}

/** The entries without those directories of the image that have something in them. */
export function* withoutBaseDirectories(
  entries: Iterable<WalkedEntry>,
  base: ReadonlyMap<ByteString, EntryMetadata>,
): Generator<WalkedEntry> {
  let held: WalkedEntry | undefined
  for (const walked of entries) {
    // a directory's content follows it at once
    if (held && !walked.entry.path.startsWith(`${held.entry.path}/`)) yield held
    held = undefined
    if (walked.entry.kind === 'directory' && base.has(walked.entry.path)) held = walked
    else yield walked
  }
  if (held) yield held
}
