import {parseDocument} from './json.js'
import {freeForm} from './known-members.js'
import {type Digest, isDigest} from './digest.js'
import type {BlobInfo} from './descriptor.js'
import {mediaTypeIn} from './manifest-kind.js'

/** What a store has to know of a manifest or index, whatever its media type. */
export interface ManifestFacts {
  /** What the document says it is, or looks like; `undefined` for what is not a manifest. */
  readonly mediaType: string | undefined
  readonly subject: Digest | undefined
  /** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers */
  readonly artifactType: string | undefined
  readonly annotations: Readonly<Record<string, string>> | undefined
  /** The manifests that an index lists, and what it says that they are. */
  readonly children: readonly (BlobInfo & {readonly mediaType?: string})[]
  /**
   * The config and the layers of an image or artifact; not those that are to be had elsewhere only.
   */
  readonly parts: readonly BlobInfo[]
  /**
   * All content that it names: the subject, the children, configs, layers, and what kinds of
   * manifest that we do not know have besides.
   */
  readonly digests: readonly Digest[]
}

/**
 * Throws what `parseDocument` throws; `what` is for messages. A document that lies about its
 * members has fewer facts.
 */
export function decodeFacts(bytes: Uint8Array, what: string): ManifestFacts {
  const {value} = parseDocument(bytes, what, freeForm, 'ERR_INJECT_MANIFEST_INVALID')
  return {
    mediaType: mediaTypeIn(value),
    subject: blobIn(value['subject'])?.digest,
    artifactType: artifactTypeIn(value),
    annotations: textsIn(value['annotations']),
    children: listIn(value['manifests']).flatMap((each) => childIn(each) ?? []),
    parts: [value['config'], ...listIn(value['layers']), ...listIn(value['blobs'])]
      .filter((each) => !isForeign(each))
      .flatMap((each) => blobIn(each) ?? []),
    digests: [...new Set(digestsIn(value))],
  }
}

function artifactTypeIn(value: Readonly<Record<string, unknown>>): string | undefined {
  const own = value['artifactType']
  if (typeof own === 'string' && own !== '') return own
  const config = value['config']
  const type = isObject(config) ? config['mediaType'] : undefined
  return typeof type === 'string' ? type : undefined
}

/**
 * Members of descriptors, wherever they are: what is kept for a member that we took for one by
 * mistake costs space, what is removed because we did not know a kind of manifest is lost.
 * `blobSum` is what Docker's schema 1 has.
 */
function* digestsIn(value: unknown): Generator<Digest, void, undefined> {
  if (Array.isArray(value)) {
    for (const each of value) yield* digestsIn(each)
  } else if (isObject(value)) {
    for (const [name, member] of Object.entries(value)) {
      if (isDigest(member) && (name === 'digest' || name === 'blobSum')) yield member
      else yield* digestsIn(member)
    }
  }
}

function blobIn(value: unknown): BlobInfo | undefined {
  if (!isObject(value) || !isDigest(value['digest'])) return undefined
  const size = Number(value['size'])
  return {digest: value['digest'], size: Number.isSafeInteger(size) && size >= 0 ? size : 0}
}

function childIn(value: unknown): ManifestFacts['children'][number] | undefined {
  const blob = blobIn(value)
  const mediaType = isObject(value) ? value['mediaType'] : undefined
  return blob && {...blob, ...(typeof mediaType === 'string' && {mediaType})}
}

/** https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#non-distributable-layers */
function isForeign(value: unknown): boolean {
  return isObject(value) && listIn(value['urls']).length > 0
}

function textsIn(value: unknown): Readonly<Record<string, string>> | undefined {
  if (!isObject(value)) return undefined
  const texts = Object.entries(value).filter((pair): pair is [string, string] => {
    return typeof pair[1] === 'string'
  })
  return Object.fromEntries(texts)
}

function listIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
