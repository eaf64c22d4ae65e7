import {LimitError, unlessFailed} from '../../errors.js'
import type {Descriptor} from '../../oci/descriptor.js'
import type {Digest} from '../../oci/digest.js'
import {decodeFacts} from '../../oci/manifest-facts.js'
import type {CallOptions, ContentStore, StoredManifest} from '../../store/content-store.js'
import {listReferrers} from '../../store/list-referrers.js'
import {manifestParts} from '../../store/manifest-parts.js'
import {cosignSuffixes, referrersTag} from '../../store/referrer-lister.js'
import {readAll} from '../../stream/limit.js'
import {predicateAnnotation} from '../../attest/types.js'

/** The most artifacts of one image that are looked into. */
const mostReferrers = 200

/** The largest document that is read; lists of files are the largest. */
export const largestDocument = 64 * 1024 * 1024

/** A manifest that is listed as being about an image. */
export interface FoundReferrer {
  readonly descriptor: Descriptor
  readonly artifactType: string
  readonly annotations: Readonly<Record<string, string>>
  /** Of a bundle, by its annotation. */
  readonly predicateType: string | undefined
  /** The documents that it carries, in their order. */
  readonly blobs: readonly Descriptor[]
  /** The tag that it was found by, as cosign gives them: such ones have no subject. */
  readonly tag: string | undefined
  /** What the list says and the manifest does not: it is about another image. */
  readonly isElsewhere: boolean
}

/**
 * What is listed as referring to a manifest: referrers, and what cosign keeps under tags. Entries
 * of which the manifest is missing or cannot be read are left out. Throws `LimitError`
 * (`ERR_INJECT_TOO_MANY_REFERRERS`).
 */
export async function readReferrers(
  store: ContentStore,
  subject: Digest,
  call: CallOptions,
): Promise<readonly FoundReferrer[]> {
  const listed = await listReferrers(store, subject, call)
  if (listed.length > mostReferrers) throw tooMany(store.name)
  const found: FoundReferrer[] = []
  for (const {digest} of listed) {
    const stored = await store.getManifest(digest, call)
    const referrer = stored && (await described(stored, subject, undefined))
    if (referrer) found.push(referrer)
  }
  for (const suffix of cosignSuffixes) {
    const tag = `${referrersTag(subject)}.${suffix}`
    const stored = await store.getManifest(tag, call)
    const referrer = stored && (await described(stored, subject, tag))
    if (referrer) found.push(referrer)
  }
  return found
}

/** The content of a document. Throws `LimitError`, and what `openBlob` throws. */
export async function readDocument(
  store: ContentStore,
  blob: Descriptor,
  call: CallOptions,
  limit = largestDocument,
): Promise<Uint8Array> {
  if (blob.size > limit) throw tooLargeDocument(blob, limit)
  return readAll(await store.openBlob(blob, call), limit, `document ${blob.digest}`)
}

async function described(
  stored: StoredManifest,
  subject: Digest,
  tag: string | undefined,
): Promise<FoundReferrer | undefined> {
  const {descriptor, bytes} = stored
  return unlessFailed(() => {
    const facts = decodeFacts(bytes, descriptor.digest)
    const {artifactType = descriptor.mediaType, annotations = {}} = facts
    const said = facts.subject
    return Promise.resolve({
      ...{descriptor, artifactType, annotations, tag},
      predicateType: new Map(Object.entries(annotations)).get(predicateAnnotation),
      blobs: manifestParts(stored).blobs.slice(1),
      isElsewhere: said === undefined ? tag === undefined : said !== subject,
    })
  })
}

function tooMany(name: string): LimitError {
  return new LimitError(
    'ERR_INJECT_TOO_MANY_REFERRERS',
    `more than ${mostReferrers} artifacts in ${name} refer to the image`,
    {expected: mostReferrers},
  )
}

function tooLargeDocument({digest, size}: Descriptor, limit: number): LimitError {
  return new LimitError(
    'ERR_INJECT_DOCUMENT_TOO_LARGE',
    `document ${digest} is larger than ${limit / 1024 / 1024} MiB`,
    {expected: limit, found: size},
  )
}
