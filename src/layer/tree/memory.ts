import type {Digest} from '../../oci/digest.js'
import type {WalkedEntry} from './walked-entry.js'

/** What a tree was packed to. */
export interface RememberedTree {
  /** Of its layers, lowest first. */
  readonly diffIds: readonly Digest[]
  readonly tarSize: number
  readonly entries: number
  /** Seconds since the epoch. */
  readonly newestMtime: number
}

/** A tree as it looked from outside at one time. */
export interface TreeLook {
  /** What a tree that looked the same was packed to; `undefined` when there was none. */
  readonly known: RememberedTree | undefined
  /**
   * Notes what this one is packed to, unless it was touched so shortly before the look that it
   * could be touched again without looking so. Never throws.
   */
  remember(tree: RememberedTree): Promise<void>
}

/**
 * What trees were packed to, by what their files look like from outside: names, sizes, inodes,
 * times.
 */
export interface TreeMemory {
  /**
   * `entries` with their states; `identity` is whatever else decides what they are packed to.
   * `undefined` when nothing can be said of them. Throws what the walk throws.
   */
  look(identity: readonly string[], entries: Iterable<WalkedEntry>): Promise<TreeLook | undefined>
}
