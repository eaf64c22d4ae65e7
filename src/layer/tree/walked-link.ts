import type {Entry} from '../entry.js'
import type {SharedInode, WalkedEntry} from './walked-entry.js'

/**
 * A hard link with what it would be alone, which `describe` finds when it is asked for: few ask,
 * and its attributes take longer than the rest. V8 gives each object with a getter a map of its
 * own, so where there are many links they are made without.
 */
export function walkedLink(
  entry: Entry,
  shared: SharedInode,
  describe: () => WalkedEntry,
): WalkedEntry {
  let alone: WalkedEntry | undefined
  return {
    entry,
    shared,
    get alone() {
      return (alone ??= describe())
    },
  }
}
