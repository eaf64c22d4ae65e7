import type {Digest} from '../../oci/digest.js'
import {familyOf} from '../../oci/manifest.js'
import type {ConfigEdits, Texts} from '../config-edits.js'
import type {Image} from '../image.js'

/** The image below the slots. */
export interface NewBase {
  /** Its manifest; if it was converted, the original one. */
  readonly digest: Digest
  /** The reference that names it, with its tag. */
  readonly origin: string | undefined
}

/**
 * The annotations by which tools find the base image.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md#pre-defined-annotation-keys
 */
const keys = {
  name: 'org.opencontainers.image.base.name',
  digest: 'org.opencontainers.image.base.digest',
} as const

/** The edits that record it; labels if the manifest cannot have annotations. */
export function baseAnnotations({manifest}: Image, {digest, origin}: NewBase): ConfigEdits {
  const texts = {...(origin !== undefined && {[keys.name]: origin}), [keys.digest]: digest}
  const isOci = familyOf(manifest.value, manifest.descriptor.mediaType) === 'oci'
  return isOci ? {annotations: texts} : {labels: texts}
}

/** The same edits for another base. */
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
