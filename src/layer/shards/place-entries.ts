import type {Entry} from '../entry.js'
import {createPlacer, type PlacedItem} from './placer.js'
import type {ShardPlan} from './shard-plan.js'
import type {WalkedEntry} from '../tree/walked-entry.js'

/** A `Placer` of entries. */
export interface EntryPlacer {
  whiteout(walked: WalkedEntry): void
  next(walked: WalkedEntry): void
  end(): void
}

/** Tells of each entry in which layer it is (`emit`), layer by layer. Throws as the placer does. */
export function placeEntries(
  plan: Pick<ShardPlan, 'cuts' | 'hashes' | 'items' | 'names'>,
  emit: (shard: number, walked: WalkedEntry) => void,
): EntryPlacer {
  let at: WalkedEntry | undefined
  const own = (): Entry => entryAt().entry
  const placer = createPlacer<Entry>(plan, {
    lead: (shard, folder) => emit(shard, {entry: {...folder, mtime: 0}}),
    item(shard) {
      const walked = entryAt()
      emit(shard, walked.shared ? byItself(walked) : walked)
    },
    link(shard, path) {
      const {entry} = entryAt()
      const {mode, uid, gid, mtime} = entry
      const common = {path, mode, uid, gid, mtime, xattrs: undefined}
      emit(shard, {entry: {kind: 'hardlink', target: entry.path, ...common}})
    },
  })
  return {
    whiteout(walked) {
      at = walked
      placer.whiteout(itemOf(walked), own)
    },
    next(walked) {
      at = walked
      placer.next(itemOf(walked), own)
    },
    end: () => placer.end(),
  }

  function entryAt(): WalkedEntry {
    if (!at) throw new Error('nothing has been placed yet')
    return at
  }
}

function itemOf({entry: {path, kind}, shared}: WalkedEntry): PlacedItem {
  const {names, group} = shared ?? {names: 0, group: 0}
  return {path, isDirectory: kind === 'directory', names, group}
}

function byItself({entry, file, alone}: WalkedEntry): WalkedEntry {
  return alone ?? {entry, ...(file && {file})}
}
