/* eslint-disable @typescript-eslint/require-await -- nothing here waits, but what it throws must come as a rejection */
import {algorithmOf, type Digest, digestOf, isDigest} from '../oci/digest.js'
import {abortable} from '../stream/bytes.js'
import {readAll, tooLarge} from '../stream/limit.js'
import {verified} from '../stream/verify.js'
import {blobNotFound, checkTagMove} from './store-errors.js'
import type {TagDeleter} from './tag-deleter.js'
import {compareTags} from './tags.js'
import type {ContentStore, StoredManifest} from './content-store.js'
import type {BlobInfo} from '../oci/descriptor.js'
import {manifestLimit} from '../oci/manifest-kind.js'

/**
 * A repository that lives as long as the process: for tests, and as the middle of a pipeline. It
 * holds all blobs in memory, whatever their size.
 */
export function createMemoryStore(name = 'memory'): ContentStore & TagDeleter {
  const blobs = new Map<Digest, Uint8Array>()
  const manifests = new Map<Digest, StoredManifest>()
  const tags = new Map<string, Digest>()

  const resolve = (reference: string): Digest | undefined =>
    isDigest(reference) ? reference : tags.get(reference)

  return {
    name,

    async statBlob(digest, {signal} = {}) {
      signal?.throwIfAborted()
      const bytes = blobs.get(digest)
      return bytes && {digest, size: bytes.length}
    },

    async openBlob(blob, {signal} = {}) {
      signal?.throwIfAborted()
      const bytes = blobs.get(blob.digest)
      if (bytes === undefined) throw blobNotFound(blob.digest, name)
      return verified(abortable(slices(bytes), signal), blob, nameOf(blob))
    },

    async putBlob(source, {expected, signal} = {}) {
      signal?.throwIfAborted()
      if (expected !== undefined && blobs.get(expected.digest)?.length === expected.size)
        return {digest: expected.digest, size: expected.size, written: false}
      const stream = abortable(source.open({signal}), signal)
      const checked = expected === undefined ? stream : verified(stream, expected, nameOf(expected))
      const bytes = await readAll(checked, Number.MAX_SAFE_INTEGER, 'blob')
      const digest = digestOf(bytes, expected && algorithmOf(expected.digest))
      const written = !blobs.has(digest)
      if (written) blobs.set(digest, bytes)
      return {digest, size: bytes.length, written}
    },

    async getManifest(reference, {signal} = {}) {
      signal?.throwIfAborted()
      const digest = resolve(reference)
      const stored = digest && manifests.get(digest)
      return stored && {...stored, bytes: stored.bytes.slice()}
    },

    async statManifest(reference, {signal} = {}) {
      signal?.throwIfAborted()
      const digest = resolve(reference)
      return digest && manifests.get(digest)?.descriptor.digest
    },

    async putManifest(bytes, mediaType, {tags: moves = [], algorithm, signal} = {}) {
      signal?.throwIfAborted()
      if (bytes.length > manifestLimit)
        throw tooLarge(`manifest for ${name}`, manifestLimit, bytes.length)
      for (const move of moves) checkTagMove(move, tags.get(move.tag), name)
      const descriptor = {mediaType, digest: digestOf(bytes, algorithm), size: bytes.length}
      manifests.set(descriptor.digest, {descriptor, bytes: Uint8Array.from(bytes)})
      for (const {tag} of moves) tags.set(tag, descriptor.digest)
      return descriptor
    },

    async deleteTag(tag, {signal} = {}) {
      signal?.throwIfAborted()
      return tags.delete(tag) ? 'deleted' : 'absent'
    },

    async *listTags({signal} = {}) {
      signal?.throwIfAborted()
      yield* [...tags.keys()].sort(compareTags)
    },

    close: () => Promise.resolve(),
  }
}

function nameOf(blob: BlobInfo): string {
  return `blob ${blob.digest}`
}

const sliceSize = 64 * 1024

/** Copies, so that a consumer that changes its chunk does not change the blob. */
async function* slices(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  for (let start = 0; start < bytes.length; start += sliceSize)
    yield bytes.slice(start, start + sliceSize)
}
