import type {PlatformChoice} from '../../image/platforms.js'
import type {Reference} from '../../oci/names/reference.js'

/** Which slot of which images is meant. */
export interface ImageRequest {
  readonly reference: Reference
  /** Of the slot; `undefined`: the only one that the images have, else CernVM-FS's. */
  readonly name?: string | undefined
  /** Which images of an index; a single image must be for one of them, too. */
  readonly platforms?: PlatformChoice | undefined
}
