import {algorithmOf, type Digest, digestOf, isDigest} from '../oci/digest.js'
import {abortable} from '../stream/abortable.js'
import {readAll, tooLarge} from '../stream/limit.js'
import {verified} from '../stream/verify.js'
import {blobNotFound} from './blob-not-found.js'
import type {BlobInfo, ContentStore, StoredManifest} from './content-store.js'
import {manifestLimit} from './manifest-kind.js'
import {compareTags} from './compare-tags.js'
import {checkTagMove} from './tag-moved.js'

/** A repository that lives as long as the process: for tests, and as the middle of a pipeline. It holds all blobs in memory, whatever their size. */
export function createMemoryStore(name = 'memory'): ContentStore {
  const blobs = new Map<Digest, Uint8Array>()
  const manifests = new Map<Digest, StoredManifest>()
  const tags = new Map<string, Digest>()

  const resolve = (reference: string): Digest | undefined =>
    isDigest(reference) ? reference : tags.get(reference)

  return {
    name,

    statBlob(digest, {signal} = {}) {
      signal?.throwIfAborted()
      const bytes = blobs.get(digest)
      return Promise.resolve(bytes && {digest, size: bytes.length})
    },

    openBlob(blob, {signal} = {}) {
      signal?.throwIfAborted()
      const bytes = blobs.get(blob.digest)
      if (bytes === undefined) return Promise.reject(blobNotFound(blob.digest, name))
      return Promise.resolve(verified(abortable(slices(bytes), signal), blob, nameOf(blob)))
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

    getManifest(reference, {signal} = {}) {
      signal?.throwIfAborted()
      const digest = resolve(reference)
      const stored = digest && manifests.get(digest)
      return Promise.resolve(stored && {...stored, bytes: stored.bytes.slice()})
    },

    statManifest(reference, {signal} = {}) {
      signal?.throwIfAborted()
      const digest = resolve(reference)
      return Promise.resolve(digest && manifests.get(digest)?.descriptor.digest)
    },

    // async: what is thrown here must come as a rejection
    // eslint-disable-next-line @typescript-eslint/require-await
    async putManifest(bytes, mediaType, {tags: moves = [], signal} = {}) {
      signal?.throwIfAborted()
      if (bytes.length > manifestLimit)
        throw tooLarge(`manifest for ${name}`, manifestLimit, bytes.length)
      for (const move of moves) checkTagMove(move, tags.get(move.tag), name)
      const descriptor = {mediaType, digest: digestOf(bytes), size: bytes.length}
      manifests.set(descriptor.digest, {descriptor, bytes: Uint8Array.from(bytes)})
      for (const {tag} of moves) tags.set(tag, descriptor.digest)
      return descriptor
    },

    // eslint-disable-next-line @typescript-eslint/require-await -- all is here already
    async *listTags({signal} = {}) {
      for (const tag of [...tags.keys()].sort(compareTags)) {
        signal?.throwIfAborted()
        yield tag
      }
    },

    close: () => Promise.resolve(),
  }
}

function nameOf(blob: BlobInfo): string {
  return `blob ${blob.digest}`
}

const sliceSize = 64 * 1024

/** Copies, so that a consumer who changes his chunk does not change the blob. */
// eslint-disable-next-line @typescript-eslint/require-await -- all is here already
async function* slices(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  for (let start = 0; start < bytes.length; start += sliceSize)
    yield bytes.slice(start, start + sliceSize)
}
