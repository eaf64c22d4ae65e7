import type {LayerLook} from '../../tree/layer-look.js'
import type {Tree} from '../../tree/walked-entry.js'
import type {Batch} from './batch.js'
import type {SystemError, ThreadError} from './thread-error.js'

/** What the thread that reads is to make a tar of: a tree, or the first batch of items. */
export type ReaderTask = {readonly tree: Tree} | Batch

/** Of a tar that was read to its end. */
export interface ReadSum {
  /** sha256, in hex. */
  readonly digest: string
  readonly crc: number
  /** Bytes. */
  readonly size: number
  readonly seen: SeenTree | undefined
}

/** What was seen of a tree while it was read. */
export interface SeenTree {
  readonly entries: number
  /** Seconds since the epoch; `undefined` without entries. */
  readonly newestMtime: number | undefined
  readonly look: LayerLook
}

/** What the thread that reads says: warnings, and one of the others at last. */
export type ReaderMessage =
  | {readonly kind: 'warning'; readonly text: string}
  | {readonly kind: 'sum'; readonly sum: ReadSum}
  /** The item of this number could not be read. */
  | {
      readonly kind: 'unread'
      readonly item: number
      readonly doing: string
      readonly cause: SystemError | undefined
    }
  | {readonly kind: 'failed'; readonly error: ThreadError}
