import * as v from 'valibot'
import {type Digest, digestOf, isDigest} from '../../oci/digest.js'
import {freeForm} from '../../oci/known-members.js'
import {documentLimit, parseDocument} from '../../oci/json.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import {faultIn} from '../../oci/shape.js'
import {tooLarge} from '../../stream/limit.js'
import {bundleInvalid} from './bundle-invalid.js'

/** What the document is called in the tar. */
export const bundleFile = 'inject-bundle.json'

/** Where the other side has a blob from: an earlier bundle, or what `inject have` listed. */
export interface BundleLink {
  readonly kind: 'bundle' | 'have'
  /** The digest of the bundle's document, or of the list. */
  readonly id: Digest
  /** Of a bundle, its file; of a list, the place that was listed. For people. */
  readonly name: string
}

/** A blob that the other side has, and which of the links says so. */
export interface HeldBlob {
  readonly digest: Digest
  readonly link: number
}

/**
 * What a bundle says of itself. Its digest is the bundle's ID: the digests of everything in the
 * bundle follow from it.
 */
export interface BundleDocument {
  /** The digest of the bundle's `index.json`. */
  readonly index: Digest
  /** Oldest first. */
  readonly links: readonly BundleLink[]
  /** What the images need and the bundle lacks. */
  readonly needs: readonly (BlobInfo & HeldBlob)[]
  /** What the other side has besides, which a later bundle need not bring either. */
  readonly earlier: readonly HeldBlob[]
}

/** More earlier blobs are not listed: the next bundle brings them again, if they are needed. */
const mostEarlier = 20_000

const digest = v.custom<Digest>(isDigest, 'must be a digest')
const position = v.pipe(v.number(), v.integer('must be an integer'), v.minValue(0))
const shape = v.looseObject({
  schemaVersion: v.literal(1, 'must be 1'),
  index: digest,
  links: v.array(
    v.looseObject({kind: v.picklist(['bundle', 'have']), id: digest, name: v.string()}),
  ),
  needs: v.array(v.looseObject({digest, size: position, link: position})),
  earlier: v.array(v.looseObject({digest, link: position})),
})

/** Throws `LimitError` (`ERR_INJECT_TOO_LARGE`) for more than 4 MiB. */
export function encodeBundle({index, links, needs, earlier}: BundleDocument): Uint8Array {
  const text = JSON.stringify({
    schemaVersion: 1,
    index,
    links,
    needs,
    earlier: earlier.slice(0, mostEarlier),
  })
  const bytes = Buffer.from(`${text}\n`)
  if (bytes.length > documentLimit)
    throw tooLarge('the list of what the bundle needs', documentLimit, bytes.length)
  return bytes
}

/**
 * Reads the document of the bundle `name`. Throws `IntegrityError`
 * (`ERR_INJECT_IMAGE_BUNDLE_INVALID`), and what `parseDocument` throws.
 */
export function decodeBundle(
  bytes: Uint8Array,
  name: string,
): BundleDocument & {readonly id: Digest} {
  const what = `${bundleFile} in ${name}`
  const {value} = parseDocument(bytes, what, freeForm, 'ERR_INJECT_IMAGE_BUNDLE_INVALID')
  const fault = faultIn(shape, value)
  if (fault !== undefined) throw bundleInvalid(name, `${bundleFile}: ${fault}`)
  const {index, links, needs, earlier} = value as unknown as BundleDocument
  if ([...needs, ...earlier].some(({link}) => link >= links.length))
    throw bundleInvalid(name, `${bundleFile} refers to a link that it does not list`)
  return {id: digestOf(bytes), index, links, needs, earlier}
}
