import type {ByteString} from '../../layer/byte-string.js'
import type {FolderAt} from '../../layer/tree/folder-at.js'
import type {ModeRule} from '../../layer/tree/mode-rule.js'
import type {Entries} from '../../layer/tree/walked-entry.js'
import type {Owner, OwnerRule} from '../../layer/tree/owner.js'

/** Which entries of a source are packed, and with which owner and mode. */
export interface PackRules {
  /** gitignore patterns, applied after those of the directory's `.injectignore`. */
  readonly exclude: readonly string[]
  /** Names that start with `.wh.` delete files of the image: refused unless set. */
  readonly whiteouts?: boolean | undefined
  /** The owner of every entry, instead of its own. */
  readonly owner?: OwnerRule | undefined
  /** Changes the modes of all but symbolic links. */
  readonly chmod?: ModeRule | undefined
  /** Allow an empty source to replace the content of a slot. */
  readonly allowEmpty?: boolean | undefined
}

/** How a source is packed into an image. */
export interface Placement {
  /** Where in the image it goes. */
  readonly path: string
  /** The owner of every entry in this image; default: its own. */
  readonly owner?: Owner | undefined
  /** Seconds since the epoch: no mtime is later. */
  readonly created?: number | undefined
  /** Called for each entry that is left out. */
  readonly onWarning: (message: string) => void
}

/** The content of a slot, which can be gone through several times. */
export interface SourceTree {
  /** As the user named it, for messages. */
  readonly name: string
  /** The same for the same place in every run; `undefined` for what is not there again. */
  readonly identity: string | undefined
  /** Tells it apart from other content of this run; default: its name. */
  readonly shareKey?: string | undefined
  readonly rules: PackRules
  entries(placement: Placement): Entries
  /**
   * The names of its folders that would be in the image's root, except that of the default slot.
   * Empty if the content has a place of its own in the image.
   */
  namesInRoot(placement: Pick<Placement, 'path'>): readonly ByteString[]
  /** The entry of one folder of a content without a place of its own in the image. */
  folderAt(owner: Owner | undefined): FolderAt
  /** Whether there is nothing in it but its own directory. */
  isEmpty(placement: Pick<Placement, 'path'>): boolean
}
