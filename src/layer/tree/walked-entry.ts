import type {Entry} from '../entry.js'
import type {FileState} from './file-state.js'

/** A regular file whose content is to be read. */
export interface WalkedFile {
  readonly path: string | Buffer
  /** As it was when it was listed. */
  readonly stat: FileState
  /**
   * A descriptor of it, at its start; `undefined` once the walk has gone on, which closes it. Only
   * where that was asked for.
   */
  readonly opened?: () => number | undefined
}

/** An entry with what is needed to read its content and to see that it did not change since. */
export interface WalkedEntry {
  readonly entry: Entry
  readonly file?: WalkedFile
  /**
   * How many names it has on its file system, here and elsewhere; absent for one, and for
   * directories.
   */
  readonly names?: number
  /** What a hard link would be without the entry that it links to. */
  readonly alone?: WalkedEntry
  /** Only where it was asked for. */
  readonly state?: FileState
}

/** Entries, to be had as often as needed; with less of each of them where no more is asked for. */
export type Entries = (detail?: WalkDetail) => Iterable<WalkedEntry>

export interface WalkDetail {
  /** `false`: no entry has extended attributes. They take as long to read as all the rest. */
  readonly xattrs?: boolean
  /** `true`: each entry says what state it is in. */
  readonly states?: boolean
  /**
   * `true`: files come open, for anyone who reads each of them before the next one: to open and
   * look is less than to look and open.
   */
  readonly opened?: boolean
}
