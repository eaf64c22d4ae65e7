import {baseDigest, baseName} from '../../oci/annotation.js'
import {type Digest, isDigest} from '../../oci/digest.js'
import type {ImageIndex} from '../../oci/image-index.js'
import type {Encoded, Image} from '../image.js'
import {labelsAndAnnotations} from '../labels.js'

/** Where an injected image comes from, as far as it is recorded. */
export interface Origin {
  /** The manifest that the first slot was put into. */
  readonly digest: Digest | undefined
  /** The reference that named it then, with its tag; not validated. */
  readonly name: string | undefined
}

/** What an image remembers, as annotations of its manifest or labels of its config. */
export function originOf(image: Image): Origin {
  return originIn(labelsAndAnnotations(image))
}

/** What an index remembers; Docker's lists cannot hold annotations. */
export function originOfIndex({value}: Pick<Encoded<ImageIndex>, 'value'>): Origin {
  return originIn(new Map(Object.entries(value.annotations ?? {})))
}

function originIn(said: ReadonlyMap<string, string>): Origin {
  const digest = said.get(baseDigest)
  return {digest: isDigest(digest) ? digest : undefined, name: said.get(baseName)}
}
