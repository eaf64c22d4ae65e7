import type {Entry} from '../entry.js'
import type {FileState} from './file-state.js'

/** A regular file whose content is to be read. */
export interface WalkedFile {
  readonly path: string | Buffer
  /** As it was when it was listed. */
  readonly stat: FileState
  /**
   * A descriptor of it, at its start; `undefined` once the walk has gone on, which closes it. Only
   * with the detail `content`.
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
}

/** Entries, to be had as often as needed; `metadata` unless other detail is asked for. */
export type Entries = (detail?: WalkDetail) => Iterable<WalkedEntry>

/**
 * How much a walk finds out about each file:
 *
 * - `names`: all but extended attributes, which take as long to read as everything else;
 * - `states`: the same, and the attributes of all but files, whose states say whether theirs have
 *   changed;
 * - `metadata`: all that a layer holds of it but its content;
 * - `content`: the same, and files come open, for a reader that reads each before it asks for the
 *   next one: opening a file and looking at it then is less work than the other way round.
 */
export type WalkDetail = 'names' | 'states' | 'metadata' | 'content'
