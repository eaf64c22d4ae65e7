import {checkFamily, checkPlain, newLayerType} from '../../image/family.js'
import type {Image} from '../../image/image.js'
import {checkRoom} from '../../image/room.js'
import {findSlot} from '../../image/slot.js'
import {toOci} from '../../image/to-oci.js'
import type {Parents} from '../../layer/pack/parents.js'
import type {NewLayerCompression} from '../../oci/media-type.js'
import type {Target} from './load-targets.js'

/** How the image is changed when content is added to it. */
export interface FormatOptions {
  /** How the new layer is compressed. Default: gzip. */
  readonly compression?: NewLayerCompression | undefined
  /** The gzip level, 1 to 9; another level gives other bytes. */
  readonly level?: number | undefined
  /** Docker's media types become OCI's. */
  readonly toOci?: boolean | undefined
  /** Owner and mode of directories that the image already has. Default: as in the directory. */
  readonly parents?: Parents | undefined
}

/** A target that can take a layer. */
export interface SuitableTarget extends Target {
  /**
   * The image that gets the content: the target's own, with an adopted layer if there is one, or
   * what `toOci` converted that to. The slot belongs to this one.
   */
  readonly suitable: Image
}

/**
 * The target, with its image converted if that was asked for. Throws `PreconditionError` when the
 * image, or the slot in it, cannot take such a layer, and `LimitError` when the image has too many
 * layers; both before any work is done.
 */
export function suitableTarget(
  target: Target,
  {toOci: isConverted, compression}: FormatOptions,
): SuitableTarget {
  const own = target.adopted ?? target.image
  const suitable = isConverted === true ? toOci(own) : own
  checkFamily(suitable)
  const slot = findSlot(suitable, target.name)
  checkPlain(slot)
  checkRoom(suitable, slot)
  newLayerType(suitable, compression)
  return {...target, suitable, slot}
}
