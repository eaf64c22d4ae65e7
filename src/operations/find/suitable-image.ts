import {checkFamily, checkPlain, newLayerType} from '../../image/family.js'
import type {Image} from '../../image/image.js'
import {checkRoom} from '../../image/room.js'
import {findSlot} from '../../image/slot.js'
import {toOci} from '../../image/to-oci.js'
import type {Parents} from '../../layer/pack/parents.js'
import type {LayerCompression} from '../../oci/media-type.js'

/** In which form something is put into an image. */
export interface FormatOptions {
  /** How the new layer is compressed. Default: gzip. */
  readonly compression?: LayerCompression | undefined
  /** How hard gzip tries, 1 to 9; another one gives other bytes. */
  readonly level?: number | undefined
  /** Docker's media types become OCI's. */
  readonly toOci?: boolean | undefined
  /** What directories are that the image has already. Default: as in the directory. */
  readonly parents?: Parents | undefined
}

/**
 * The image that something is put into, converted if that is asked for. Throws `PreconditionError`
 * when it, or slot `name` in it, can take no layer like that: before any work is done.
 */
export function suitableImage(image: Image, name: string, options: FormatOptions): Image {
  const suitable = options.toOci === true ? toOci(image) : image
  checkFamily(suitable)
  const slot = findSlot(suitable, name)
  checkPlain(slot)
  checkRoom(suitable, slot)
  newLayerType(suitable, options.compression)
  return suitable
}
