import {NotFoundError, UsageError} from '../../errors.js'
import {decodeDocument} from '../../image/document.js'
import type {Encoded, Image} from '../../image/image.js'
import {isDigest, type Digest} from '../../oci/digest.js'
import {formatReference, type Reference, repositoryName} from '../../oci/names/reference.js'
import type {Platform} from '../../oci/platform.js'
import {quoted} from '../../oci/quoted.js'
import type {Ports} from '../../ports.js'
import type {ContentStore, StoredManifest} from '../../store/content-store.js'
import {findManifest, type FoundManifest} from '../find/find-document.js'
import {loadFound} from '../find/load-image.js'

export interface RawRequest {
  readonly reference: Reference
  /** Of an index: its image for this platform. */
  readonly platform?: Platform | undefined
}

/** The bytes of a document as they are stored, and the descriptor that names them. */
export type RawDocument = StoredManifest

/**
 * The manifest or index that a reference names, of whatever kind, verified. Throws what
 * `findManifest` and, with a platform, `loadFound` throw.
 */
export function readManifest(request: RawRequest, ports: Ports): Promise<RawDocument> {
  return withFound(request, ports, async ({store, found}) =>
    request.platform === undefined
      ? found.stored
      : rawOf((await imageIn(store, found, request, ports)).manifest),
  )
}

/**
 * The config of one image, verified. Throws what `loadFound` throws, as for an index without a
 * platform.
 */
export function readConfig(request: RawRequest, ports: Ports): Promise<RawDocument> {
  return withFound(request, ports, async ({store, found}) =>
    rawOf((await imageIn(store, found, request, ports)).config),
  )
}

/** What is known of a document, beside its bytes. */
export function describeRaw(reference: Reference, {descriptor}: RawDocument) {
  const {digest, mediaType, size} = descriptor
  return {reference: `${repositoryName(reference)}@${digest}`, digest, mediaType, size}
}

export interface BlobRequest {
  readonly reference: Reference
  readonly digest: Digest
  /** Receives the content as it comes; the bytes are valid during the call. */
  readonly write: (bytes: Uint8Array) => Promise<void> | void
}

export interface BlobResult {
  readonly digest: Digest
  readonly size: number
}

/**
 * Passes a blob of a repository to `write`, compressed as it is stored. Throws `NotFoundError`
 * (`ERR_INJECT_BLOB_NOT_FOUND`), and `IntegrityError` before the end if the bytes are not the ones
 * that the digest names: only then is what was passed on to be used.
 */
export async function readBlob(request: BlobRequest, ports: Ports): Promise<BlobResult> {
  const {reference, digest, write} = request
  const {signal} = ports
  const store = await ports.openStore(reference, {writes: false})
  try {
    const blob = await store.statBlob(digest, {signal})
    if (!blob) throw noBlob(digest, store.name)
    for await (const bytes of await store.openBlob(blob, {signal})) await write(bytes)
    return {digest, size: blob.size}
  } finally {
    await store.close()
  }
}

/** Throws `UsageError` (`ERR_INJECT_DIGEST_INVALID`). */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text
  throw new UsageError('ERR_INJECT_DIGEST_INVALID', `not a digest: ${quoted(text)}`, {
    hint: 'write sha256: and 64 hexadecimal digits; inject inspect lists the digests of layers',
  })
}

interface Found {
  readonly store: ContentStore
  readonly found: FoundManifest
}

async function withFound<T>(
  {reference}: RawRequest,
  ports: Ports,
  work: (found: Found) => Promise<T>,
): Promise<T> {
  const store = await ports.openStore(reference, {writes: false})
  try {
    return await work({store, found: await findManifest(store, reference, ports)})
  } finally {
    await store.close()
  }
}

function imageIn(
  store: ContentStore,
  {stored, tag}: FoundManifest,
  {reference, platform}: RawRequest,
  {signal}: Ports,
): Promise<Image> {
  const choice = {what: formatReference(reference), platforms: platform && [platform]}
  return loadFound(store, {...decodeDocument(stored), tag}, choice, signal)
}

function rawOf({descriptor, bytes}: Encoded<unknown>): RawDocument {
  return {descriptor, bytes}
}

function noBlob(digest: Digest, where: string): NotFoundError {
  return new NotFoundError('ERR_INJECT_BLOB_NOT_FOUND', `${where} has no blob ${digest}`, {
    hint: 'inject inspect lists the layers of an image, inject manifest its config, too',
  })
}
