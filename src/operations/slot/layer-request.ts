import type {ConfigEdits, Texts} from '../../image/config-edits.js'
import type {MergeRule} from '../../image/merge.js'
import type {Sharding} from '../../image/sharding.js'
import type {FormatOptions} from '../find/suitable-image.js'

/** Options for the slot's layers and the image around them. */
export interface LayerRequest extends FormatOptions {
  /** Where in the image the content goes; `undefined`: where the slot says, else `/`. */
  readonly path?: string | undefined
  /**
   * Seconds since the epoch: the time of the slot, and the latest mtime in its layers. `undefined`:
   * the newest mtime of the content.
   */
  readonly created?: number | undefined
  /** How the content is divided into layers; `undefined`: as in the existing slot, else not. */
  readonly sharding?: Sharding | undefined
  /** Files to be merged with the vendor's; `undefined`: those that the slot records. */
  readonly merges?: readonly MergeRule[] | undefined
  /** Other changes to the image's config. */
  readonly edits?: ConfigEdits | undefined
  /** Annotations of the outermost index. */
  readonly indexAnnotations?: Texts | undefined
  /** Whether an image remembers what its first slot was put into. Default: `remember`. */
  readonly base?: 'remember' | 'forget' | undefined
  /** Also say what the image was made from as `org.opencontainers.image.base.*`. */
  readonly baseAnnotations?: boolean | undefined
  /** The fleet that looks after the slot from now on; default: the one that did. */
  readonly fleet?: string | undefined
}
