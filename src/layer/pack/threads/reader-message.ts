import type {BlockRule} from '../../compress/blocks.js'
import type {LayerLook} from '../../tree/division.js'
import type {FoundTree, HeldRows, Tree} from '../../tree/walked-entry.js'
import type {Batch} from './batch.js'
import type {Ring} from './ring.js'
import type {SystemError, ThreadError} from './thread-error.js'

/** Where the reading thread puts blocks from now on. */
export interface RingToFill {
  readonly ring: Ring
  readonly rule: BlockRule
  readonly hasCrc: boolean
}

/**
 * A tar for the reading thread: a tree, rows in memory that is shared until the tar is read, or the
 * first batch of items.
 */
export type ReaderTask = TreeTask | RowsTask | Batch

/** To be walked, unless what is in it was found already. */
export interface TreeTask {
  readonly tree: Tree
  readonly found: FoundTree | undefined
}

/** For the ring, or only to be hashed. */
export interface RowsTask {
  readonly rows: HeldRows
  readonly isHashed?: boolean
}

/** The totals of a tar that was read to its end. */
export interface ReadSum {
  /** sha256, in hex. */
  readonly digest: string
  readonly crc: number
  /** Bytes. */
  readonly size: number
  readonly seen: SeenTree | undefined
}

/** The totals of a tree that was read. */
export interface SeenTree {
  readonly entries: number
  /** Seconds since the epoch; `undefined` without entries. */
  readonly newestMtime: number | undefined
  readonly look: LayerLook
}

/** Messages of the reading thread. */
export type ReaderMessage = {readonly kind: 'warning'; readonly text: string} | ReaderAnswer

/** The last message about a tar. */
export type ReaderAnswer =
  | {readonly kind: 'sum'; readonly sum: ReadSum}
  /** The item of this number could not be read. */
  | {
      readonly kind: 'unread'
      readonly item: number
      readonly doing: string
      readonly cause: SystemError | undefined
    }
  | {readonly kind: 'failed'; readonly error: ThreadError}
