import {PreconditionError} from '../../errors.js'
import type {Image, NumberedLayer} from '../../image/image.js'
import {findSlots, type Slot} from '../../image/slot.js'
import {digestOf, type Digest} from '../../oci/digest.js'
import {baseLayers, nameOf} from '../slot/entries/base-layers.js'
import type {LayerFile} from './layer-files.js'

/**
 * The layers of the vendor, newest first: those of no slot, and below `slot`, if the image has it
 * already. Throws `PreconditionError` (`ERR_INJECT_LAYER_UNREADABLE`) if one of them cannot be
 * read.
 */
export function vendorLayers(image: Image, slot: Slot | undefined): NumberedLayer[] {
  const own = new Set(findSlots(image).flatMap(({layers}) => layers.map(({layer}) => layer + 1)))
  const isBelow = ({number}: NumberedLayer): boolean =>
    !own.has(number) && (slot === undefined || number <= slot.layer)
  const refuse = (layer: NumberedLayer): void => {
    if (!isBelow(layer)) return
    throw new PreconditionError(
      'ERR_INJECT_LAYER_UNREADABLE',
      `the vendor's files are not all known: ${nameOf(layer)} is of the type ${layer.descriptor.mediaType}`,
      {hint: 'files cannot be merged in an image with such a layer'},
    )
  }
  return baseLayers(image, undefined, refuse).filter(isBelow)
}

/** Of a vendor's file: equal digests mean that merging gives the same. */
export function vendorDigest({metadata, bytes}: LayerFile): Digest {
  const {mode, uid, gid, mtime, xattrs = []} = metadata
  const attributes = [...xattrs].map(([name, value]) => [name, Buffer.from(value).toString('hex')])
  const facts = JSON.stringify([mode, uid, gid, mtime, attributes.sort()])
  return digestOf(Buffer.concat([Buffer.from(`${facts}\n`), bytes]))
}
