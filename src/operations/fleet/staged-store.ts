import {InjectError} from '../../errors.js'
import {type Digest, digestOf, isDigest} from '../../oci/digest.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import type {ContentStore, StoredManifest} from '../../store/content-store.js'
import {manifestParts} from '../../store/manifest-parts.js'
import {readsRanges} from '../../store/range-reader.js'
import {drain, measured, streamOf} from '../../stream/bytes.js'
import {readAll} from '../../stream/limit.js'

/** Bytes up to which a blob is a document, and stays in memory: as much as a config may have. */
const largestDocument = 4 * 1024 * 1024

/** A tag for a step of the work on an image; no registry is ever asked for it. */
export function stepTag(step: number): string {
  return `${stepPrefix}${step}`
}

const stepPrefix = 'inject-fleet-step-'

/** What was made of an image, before any of it is stored. */
export interface StagedStore extends ContentStore {
  /** A manifest that was made and is nowhere yet; `undefined` for those of the real store. */
  staged(digest: Digest): StoredManifest | undefined
  /** The same for a config. */
  stagedBlob(digest: Digest): Uint8Array | undefined
}

export interface StagedStoreOptions {
  /** Large blobs are only measured. */
  readonly dryRun: boolean
  /** A manifest that is there counts as whole: its blobs are not asked for. */
  readonly isTrusting: boolean
}

/**
 * A store in which one operation after the other changes an image, so that only the last state is
 * published, by one move of one tag. Documents and tags that are put stay in memory; layers go to
 * the real store. What a tag of the real store names is asked once: the tag is moved from there,
 * or not at all.
 */
export function createStagedStore(
  real: ContentStore,
  {dryRun, isTrusting}: StagedStoreOptions,
): StagedStore {
  const manifests = new Map<Digest, StoredManifest>()
  const blobs = new Map<Digest, Uint8Array>()
  const tags = new Map<string, Digest>()
  const seen = new Map<string, StoredManifest | undefined>()
  const looks = new Map<string, Digest | undefined>()
  const read = new Map<Digest, Uint8Array>()
  const there = new Map<Digest, BlobInfo>()

  const stagedAt = (reference: string): StoredManifest | undefined => {
    const digest = isDigest(reference) ? reference : tags.get(reference)
    return digest && manifests.get(digest)
  }
  const keep = (stored: StoredManifest): void => {
    seen.set(stored.descriptor.digest, stored)
    if (!isTrusting) return
    try {
      for (const {digest, size} of manifestParts(stored).blobs) there.set(digest, {digest, size})
    } catch (error) {
      // what is wrong with it is said when it is decoded
      if (!(error instanceof InjectError)) throw error
    }
  }
  return {
    name: real.name,
    ...(readsRanges(real) && {readRange: real.readRange.bind(real)}),
    staged: (digest) => manifests.get(digest),
    stagedBlob: (digest) => blobs.get(digest),

    async getManifest(reference, call) {
      const own = stagedAt(reference)
      if (own || seen.has(reference)) return own ?? seen.get(reference)
      const known = tags.get(reference)
      if (known === undefined && reference.startsWith(stepPrefix)) return undefined
      const stored = await real.getManifest(known ?? reference, call)
      if (stored) keep(stored)
      if (!isDigest(reference)) {
        seen.set(reference, stored)
        looks.set(reference, stored?.descriptor.digest)
      }
      return stored
    },

    async statManifest(reference, call) {
      const own = stagedAt(reference) ?? seen.get(reference)
      if (own) return own.descriptor.digest
      if (tags.has(reference) || reference.startsWith(stepPrefix)) return tags.get(reference)
      if (looks.has(reference)) return looks.get(reference)
      const found = await real.statManifest(reference, call)
      if (!isDigest(reference)) looks.set(reference, found)
      return found
    },

    putManifest(bytes, mediaType, {tags: moves = [], algorithm} = {}) {
      const descriptor = {mediaType, digest: digestOf(bytes, algorithm), size: bytes.length}
      if (!seen.has(descriptor.digest)) manifests.set(descriptor.digest, {descriptor, bytes})
      for (const {tag} of moves) tags.set(tag, descriptor.digest)
      return Promise.resolve(descriptor)
    },

    async statBlob(digest, call) {
      const bytes = blobs.get(digest)
      if (bytes) return {digest, size: bytes.length}
      const known = there.get(digest)
      if (known) return known
      const found = await real.statBlob(digest, call)
      if (found) there.set(digest, found)
      return found
    },

    async openBlob(blob, call) {
      const known = blobs.get(blob.digest) ?? read.get(blob.digest)
      if (known) return streamOf(known)
      const stream = await real.openBlob(blob, call)
      if (blob.size > largestDocument) return stream
      const bytes = await readAll(stream, largestDocument, `blob ${blob.digest}`)
      read.set(blob.digest, bytes)
      return streamOf(bytes)
    },

    async putBlob(source, options = {}) {
      const {expected, signal} = options
      if (expected && expected.size <= largestDocument) {
        const {digest, size} = expected
        if (read.has(digest)) return {digest, size, written: false}
        blobs.set(digest, await readAll(source.open({signal}), largestDocument, `blob ${digest}`))
        return {digest, size, written: true}
      }
      if (!dryRun) return real.putBlob(source, options)
      // its bytes are known, and nobody needs them
      if (expected) return {...expected, written: true}
      const {stream, result} = measured(source.open({signal}))
      await drain(stream)
      const blob = result()
      there.set(blob.digest, blob)
      return {...blob, written: true}
    },

    listTags: (call) => real.listTags(call),
    close: () => Promise.resolve(),
  }
}
