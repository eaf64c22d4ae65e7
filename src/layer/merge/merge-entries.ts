import type {ByteString} from '../byte-string.js'
import type {WalkedEntry} from '../tree/walked-entry.js'

/** What changes in the entries of a slot. */
export interface EntryMerge {
  /** Files that are left out: ours, which are in the merged ones. */
  readonly left: ReadonlySet<ByteString>
  /** Files with their content, in the order of a tree. */
  readonly merged: readonly WalkedEntry[]
}

/**
 * The entries with merged files among them, each in its place in the order of a tree. What is a
 * hard link to a file that is left out becomes that file.
 */
export function* mergeEntries(
  entries: Iterable<WalkedEntry>,
  {left, merged}: EntryMerge,
): Generator<WalkedEntry> {
  let next = 0
  for (const walked of entries) {
    const {entry, alone} = walked
    for (
      let first = merged[next];
      first && compareInTree(first.entry.path, entry.path) < 0;
      first = merged[++next]
    )
      yield first
    if (left.has(entry.path)) continue
    yield entry.kind === 'hardlink' && left.has(entry.target) ? (alone ?? walked) : walked
  }
  yield* merged.slice(next)
}

/** The order of a tree: a directory before what is in it, names by their bytes. */
export function compareInTree(a: ByteString, b: ByteString): number {
  const [one, other] = [a, b].map((path) => path.replaceAll('/', '\0'))
  return one === other ? 0 : (one ?? '') < (other ?? '') ? -1 : 1
}
