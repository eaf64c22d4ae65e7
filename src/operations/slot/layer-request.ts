import type {ConfigEdits} from '../../image/config-edits.js'
import type {Sharding} from '../../image/sharding.js'
import type {FormatOptions} from '../find/suitable-image.js'

/** What the slot's layers, and the image around them, are to be like. */
export interface LayerRequest extends FormatOptions {
  /** Where in the image the content belongs; `undefined`: where the slot says, else `/`. */
  readonly path?: string | undefined
  /**
   * Seconds since the epoch: the time of the slot, and the latest mtime in its layers. `undefined`:
   * the newest mtime of the content.
   */
  readonly created?: number | undefined
  /** How the content is divided into layers; `undefined`: as it is in the slot, else not. */
  readonly sharding?: Sharding | undefined
  /** What else the image is to say. */
  readonly edits?: ConfigEdits | undefined
}
