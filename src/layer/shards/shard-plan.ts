import type {LayerLook} from '../tree/division.js'
import type {WalkedEntry} from '../tree/walked-entry.js'
import type {TreeSurvey} from './survey.js'

/** Where entries are divided into layers, and what has to be known of them to do it. */
export interface ShardPlan {
  /** Items before which a new layer begins, in ascending order. */
  readonly cuts: readonly number[]
  /** `hashPath` of the path of each of these. */
  readonly hashes: readonly number[]
  /** How many items there are. */
  readonly items: number
  /** By group: how many names a file has here, if it has more elsewhere. */
  readonly names: ReadonlyMap<number, number>
  readonly directories: number
  readonly whiteouts: number
  readonly entries: number
  /** Seconds since the epoch, of the newest entry; 0 for none. */
  readonly newestMtime: number
  /** Absent where nothing is kept between runs. */
  readonly kept?: KeptLooks | undefined
}

/** What the layers of a plan look like, kept between runs. */
export interface KeptLooks {
  /**
   * Layer by layer, the lowest first; `undefined` for those of which a file was touched since.
   * Absent if an earlier run did not make this plan.
   */
  readonly looks?: readonly (LayerLook | undefined)[] | undefined
  /**
   * The entries that decide what is in a layer of files, as `DivisionKeeper` gives them;
   * `undefined` if they are not known without a walk.
   */
  entriesOf(layer: number): Iterable<WalkedEntry> | undefined
  /** Notes the looks of all layers for the next run. */
  keep(looks: readonly LayerLook[]): void
}

/** The plan that divides at `cuts`. */
export function shardPlan(survey: TreeSurvey, cuts: readonly number[]): ShardPlan {
  const {items, names, directories, whiteouts, entries, newestMtime} = survey
  const hashes = cuts.map((item) => items.hashOf(item))
  const counts = {items: items.length, directories, whiteouts, entries}
  return {cuts, hashes, names, newestMtime, ...counts}
}

/** How many layers the plan makes. */
export function countShards({cuts, directories}: ShardPlan): number {
  return cuts.length + 1 + (directories > 0 ? 1 : 0)
}
