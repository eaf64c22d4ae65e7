import * as v from 'valibot'
import {slotLabels} from '../../oci/annotation.js'
import {type Digest, isDigest} from '../../oci/digest.js'
import {parseJsonValue} from '../../oci/json-value.js'
import {textShape} from '../../oci/shape.js'
import type {Image} from '../image.js'
import {labelsOf} from '../labels.js'

/** Where the content of a slot was taken from. */
export interface GraftOrigin {
  /** The image or index, as its tag named it. */
  readonly digest: Digest
  /** The reference with its tag; absent for images on disk, whose paths mean nothing elsewhere. */
  readonly image?: string | undefined
  /** The slot of that image; absent where it was its file system. */
  readonly slot?: string | undefined
  /** The directory in that image; absent where it was all of the slot. */
  readonly path?: string | undefined
}

const shape = v.object({
  digest: v.custom<Digest>(isDigest),
  image: v.optional(textShape),
  slot: v.optional(textShape),
  path: v.optional(textShape),
})

/** As a label has it, in one order. */
export function formatGraft({digest, image, slot, path}: GraftOrigin): string {
  return JSON.stringify({digest, image, slot, path})
}

/** What an image says of the slot; `undefined` where that is nothing, or not an origin. */
export function graftOf(image: Pick<Image, 'config'>, name: string): GraftOrigin | undefined {
  const text = labelsOf(image).get(slotLabels(name).from)
  const value = text === undefined ? undefined : parseJsonValue(text)
  return !Array.isArray(value) && v.is(shape, value) ? value : undefined
}
