import type {Entries, FindOptions, WalkedEntry} from '../../layer/tree/walked-entry.js'
import type {Ports} from '../../ports.js'

/** Entries between two reports. */
const often = 1000

/** The same entries; how many of them were looked at is reported now and then. */
export function reportedWalk(entries: Entries, {report}: Pick<Ports, 'report'>): Entries {
  const walk = function* (detail?: Parameters<Entries>[0]): Iterable<WalkedEntry> {
    let count = 0
    for (const walked of entries(detail)) {
      if (++count % often === 0) report({kind: 'walked', entries: count})
      yield walked
    }
  }
  const {find} = entries
  const onFound = (count: number): void => report({kind: 'walked', entries: count})
  const reportedFind = find && ((options: FindOptions) => find({...options, onFound}))
  // what is known of the entries stays with them
  return Object.assign(walk, entries, {find: reportedFind})
}
