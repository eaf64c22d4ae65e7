import type {PlatformChoice} from '../../image/platforms.js'
import type {Reference} from '../../oci/names/reference.js'

/** Which slot of which images to work on. */
export interface ImageRequest {
  readonly reference: Reference
  /** The name of the slot; `undefined`: the only one that the images have, else CernVM-FS's. */
  readonly name?: string | undefined
  /** Which images of an index; a single image must match one of them, too. */
  readonly platforms?: PlatformChoice | undefined
  /** The layer that the slot has, whatever the labels say: see `adopt`. */
  readonly adopt?: string | undefined
}
