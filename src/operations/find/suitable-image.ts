import {checkFamily, checkPlain, newLayerType} from '../../image/family.js'
import type {Image} from '../../image/image.js'
import {checkRoom} from '../../image/room.js'
import {findSlot} from '../../image/slot.js'
import {toOci} from '../../image/to-oci.js'
import type {Parents} from '../../layer/pack/parents.js'
import type {LayerCompression} from '../../oci/media-type.js'
import type {Target} from './load-targets.js'

/** In which form something is put into an image. */
export interface FormatOptions {
  /** How the new layer is compressed. Default: gzip. */
  readonly compression?: LayerCompression | undefined
  /** How hard gzip tries, 1 to 9; another level gives other bytes. */
  readonly level?: number | undefined
  /** Docker's media types become OCI's. */
  readonly toOci?: boolean | undefined
  /** What directories are that the image has already. Default: as in the directory. */
  readonly parents?: Parents | undefined
}

/** A target that a layer can be put into. */
export interface SuitableTarget extends Target {
  /** What is injected into: the image, or what `toOci` made of it. The slot is of this one. */
  readonly suitable: Image
}

/**
 * The target with its image converted, if that is asked for. Throws `PreconditionError` when the
 * image, or the slot in it, cannot take such a layer, and `LimitError` when it has no room for one:
 * before any work is done.
 */
export function suitableTarget(
  target: Target,
  {toOci: isConverted, compression}: FormatOptions,
): SuitableTarget {
  const suitable = isConverted === true ? toOci(target.image) : target.image
  checkFamily(suitable)
  const slot = findSlot(suitable, target.name)
  checkPlain(slot)
  checkRoom(suitable, slot)
  newLayerType(suitable, compression)
  return {...target, suitable, slot}
}
