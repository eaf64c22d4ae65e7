import type {ByteString} from '../byte-string.js'
import type {Entry} from '../entry.js'
import type {Division, LayerLook, RecalledDivision} from './division.js'
import type {FileState} from './file-state.js'
import type {InodeGroups} from './inode-groups.js'
import type {ModeRule} from './mode-rule.js'

/** A regular file whose content is to be read. */
export interface WalkedFile {
  readonly path: string | Buffer
  /** As it was when it was listed. */
  readonly stat: FileState
  /** Where in the file the content begins, in bytes; absent where it is all of the file. */
  readonly offset?: number | undefined
  /**
   * A descriptor of it, at its start, with the detail `content`; `undefined` once the walk has gone
   * on, which closes it, and for a file that comes after a hard link.
   */
  readonly descriptor?: number | undefined
}

/** A file with several names. */
export interface SharedInode {
  /** How many names it has on its file system, here and elsewhere. */
  readonly names: number
  /** The same for all of its names, and in each walk. */
  readonly group: number
}

/** An entry with what is needed to read its content and to see that it did not change since. */
export interface WalkedEntry {
  readonly entry: Entry
  readonly file?: WalkedFile
  /** What a file holds that is in memory, instead of `file`. */
  readonly content?: Uint8Array
  /** Absent for what has one name, and for directories. */
  readonly shared?: SharedInode
  /** What a hard link would be without the entry that it links to. */
  readonly alone?: WalkedEntry
  /** Of what is not a file; only with the detail `states`. */
  readonly state?: FileState
}

/** A directory and how it is packed, as plain data: any thread can walk it. */
export interface Tree {
  /** A real path, not a symlink. */
  readonly directory: string
  /** Where in the image the directory belongs: `/`, or a clean absolute path. */
  readonly path: string
  /** gitignore patterns, applied after those of the directory's `.injectignore`. */
  readonly exclude: readonly string[]
  /** Names that start with `.wh.` delete files of the image: refused unless set. */
  readonly whiteouts?: boolean | undefined
  /** The owner of every entry instead of the file's own. */
  readonly owner?: {readonly uid: number; readonly gid: number} | undefined
  readonly chmod?: ModeRule | undefined
  /** Seconds since the epoch: no mtime is later. */
  readonly clampMtime?: number | undefined
}

/** What a walk found: rows of a recording (`PackedRows`), and how many there are. */
export interface FoundRows {
  readonly pieces: readonly Uint8Array[]
  readonly count: number
  /** What the kernel is told before the paths of files, and how much of each is not told to it. */
  readonly folder: ByteString
  readonly prefixLength: number
}

/** What a walk of a tree found, as plain data for other threads. */
export interface FoundTree extends Pick<FoundRows, 'pieces' | 'count'> {
  /** The state of the directory itself. */
  readonly root: FileState
}

export interface TreeWalk {
  readonly tree: Tree
  /** Called with what is left out. */
  readonly onWarning: (message: string) => void
  /**
   * What was found when all of it was listed, for the first who asks; `undefined` for the others,
   * who come later and have to list it again, and for what was not or cannot be recorded.
   */
  readonly takeFound?: (() => FoundTree | undefined) | undefined
}

/** Entries of the detail `states`, as plain data for other threads. */
export interface HeldRows {
  /** Rows, as `PackedRows` has them. */
  readonly pieces: readonly Uint8Array[]
  readonly count: number
  /** What rows cannot hold, in its order. */
  readonly oddOnes: readonly WalkedEntry[]
  /** About so many bytes of tar. */
  readonly tarBytes: number
  /** Seconds since the epoch, of the newest entry; -Infinity for none. */
  readonly newestMtime: number
}

/** Entries that are held, of which the attributes of files are yet to be read. */
export interface HeldWalk {
  /** `undefined` if they are too many to be held. */
  readonly rows: () => HeldRows | undefined
  /** Called with what is left out. */
  readonly onWarning: (message: string) => void
}

/** What is in a layer of files: the items from one up to another, counted without directories. */
export interface LayerItems {
  readonly from: number
  readonly to: number
  /** How many names of a file are here, if it has more elsewhere: by group. */
  readonly names: ReadonlyMap<number, number>
}

/** Where the division of entries is kept between runs. */
export interface DivisionKeeper {
  /**
   * The division that was kept, if the entries still have the same names and sizes, in blocks of
   * 512 bytes.
   */
  recall(): RecalledDivision | undefined
  /**
   * The entries that decide what is in a layer of files, with their states: its own, other names
   * of them, and the directories until then. `undefined` if they are not known without a walk.
   */
  entriesOf(items: LayerItems): Iterable<WalkedEntry> | undefined
  /** Notes the division for the next run. */
  keep(division: Division): void
}

/**
 * The entries in a directory, as the walk would give them, by its path relative to the directory
 * that is walked; `undefined` if nobody has walked there, or if the directory had another state.
 */
export type WalkedAlready = (
  relative: ByteString,
  state: FileState,
) => Iterable<WalkedEntry> | undefined

/** What a walk has in common with others of the same directory. */
export interface SharedWalk {
  readonly walkedAlready: WalkedAlready
  /** Files with several names that were found so far. */
  readonly inodes: InodeGroups
}

/** How a walk is to be made. */
export interface FindOptions {
  readonly signal?: AbortSignal | undefined
  /** Called now and then with how many entries there are so far. */
  readonly onFound?: ((entries: number) => void) | undefined
}

/** Entries, to be had as often as needed; `metadata` unless other detail is asked for. */
export interface Entries {
  /** The second is of use to what is exactly the walk of a tree. */
  (detail?: WalkDetail, shared?: SharedWalk): Iterable<WalkedEntry>
  /** Set if they are exactly what the walk of a tree gives. */
  readonly walk?: TreeWalk | undefined
  /** What a walk found, if there was one and rows hold all of it. */
  readonly rows?: (() => FoundRows | undefined) | undefined
  /**
   * The same after a walk, which is made now if there was none, and gives others their turn. Throws
   * what the walk throws, and the signal's reason.
   */
  readonly find?: ((options: FindOptions) => Promise<FoundRows | undefined>) | undefined
  /**
   * Brings what an earlier run kept up to date, if there is something, and gives others their turn:
   * then `look` and `division` answer from it. Throws the signal's reason.
   */
  readonly recall?: ((signal: AbortSignal | undefined) => Promise<void>) | undefined
  /** Set if they are exactly what was held, with the attributes of files. */
  readonly held?: HeldWalk | undefined
  /** What they look like, if that may be known without a walk. */
  readonly look?: (() => LayerLook) | undefined
  /** How they are divided, if that may be known without a walk. */
  readonly division?: DivisionKeeper | undefined
  /**
   * The state of the directory when a walk was recorded, which the details `names` and `states`
   * replay; `undefined` before, and for what cannot be recorded.
   */
  readonly recordedRoot?: (() => FileState | undefined) | undefined
}

/**
 * How much a walk finds out about each file:
 *
 * - `directories`: the same as `names`, and most files are passed over;
 * - `names`: all but extended attributes, which take as long to read as everything else;
 * - `states`: the same, and the attributes of all but files, whose states say whether theirs have
 *   changed;
 * - `metadata`: all that a layer holds of it but its content;
 * - `content`: the same, and files come open, for a reader that reads each before it asks for the
 *   next one: opening a file and looking at it then is less work than the other way round.
 */
export type WalkDetail = 'directories' | 'names' | 'states' | 'metadata' | 'content'
