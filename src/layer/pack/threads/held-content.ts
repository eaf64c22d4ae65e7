import type {HeldRows, HeldWalk} from '../../tree/walked-entry.js'

/** Entries that are held, for one tar: in memory that is shared, and theirs until it is read. */
export interface HeldContent extends Pick<HeldWalk, 'onWarning'> {
  readonly rows: HeldRows
}
