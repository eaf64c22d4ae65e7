import type {Digest} from '../../oci/digest.js'
import {familyOf} from '../../oci/manifest.js'
import type {ConfigEdits, Texts} from '../config-edits.js'
import type {Image} from '../image.js'

/** The image that slots are put on. */
export interface NewBase {
  /** Its manifest; what it was converted from, if it was. */
  readonly digest: Digest
  /** The reference that names it, with its tag. */
  readonly origin: string | undefined
}

/**
 * What tools look for to know the image below.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md#pre-defined-annotation-keys
 */
const keys = {
  name: 'org.opencontainers.image.base.name',
  digest: 'org.opencontainers.image.base.digest',
} as const

/** The edits that say it; labels where a manifest has no annotations. */
export function baseAnnotations({manifest}: Image, {digest, origin}: NewBase): ConfigEdits {
  const texts = {...(origin !== undefined && {[keys.name]: origin}), [keys.digest]: digest}
  const isOci = familyOf(manifest.value, manifest.descriptor.mediaType) === 'oci'
  return isOci ? {annotations: texts} : {labels: texts}
}

/** The same edits, saying of another base what they said of the one before. */
export function withNewBase(edits: ConfigEdits, base: NewBase): ConfigEdits {
  const {annotations, labels} = edits
  return {
    ...edits,
    ...(annotations && {annotations: renamed(annotations, base)}),
    ...(labels && {labels: renamed(labels, base)}),
  }
}

function renamed(texts: Texts, {digest, origin}: NewBase): Texts {
  const isSaid = (key: string): boolean => typeof texts[key] === 'string'
  return {
    ...texts,
    ...(isSaid(keys.digest) && {[keys.digest]: digest}),
    ...(isSaid(keys.name) && {[keys.name]: origin ?? null}),
  }
}
