import type {FileAspect, FileChange} from './file-change.js'

export interface Count {
  /** Files, directories, links and devices. */
  readonly paths: number
  /** Bytes of content; a file with several names counts once. */
  readonly bytes: number
}

/** What differs in numbers. */
export interface ChangeCounts {
  readonly added: Count
  readonly removed: Count
  readonly changed: Count & {
    /** The number of paths by aspect; a path counts for each aspect in which it differs. */
    readonly aspects: Readonly<Partial<Record<FileAspect, number>>>
  }
  /**
   * Added and removed paths that a layer may hold, too, that both images have and that was not
   * read.
   */
  readonly unsure: number
}

/** Counts one change after the other. */
export function createCounter(): {add(change: FileChange): void; counts(): ChangeCounts} {
  const counts = {
    added: {paths: 0, bytes: 0},
    removed: {paths: 0, bytes: 0},
    changed: {paths: 0, bytes: 0},
  }
  const aspects: Partial<Record<FileAspect, number>> = {}
  let unsure = 0
  return {
    add(change) {
      const count = counts[change.change]
      count.paths++
      count.bytes += change.bytes
      if (change.unsure) unsure++
      if (change.change !== 'changed') return
      for (const aspect of change.aspects) aspects[aspect] = (aspects[aspect] ?? 0) + 1
    },
    counts: () => ({...counts, changed: {...counts.changed, aspects}, unsure}),
  }
}

/** How many paths differ. */
export function totalOf({added, removed, changed}: ChangeCounts): number {
  return added.paths + removed.paths + changed.paths
}
