import {ifUnfit} from '../../../disk/error-answers.js'
import {InjectError, NotFoundError} from '../../../errors.js'
import {type Descriptor, type BlobInfo} from '../../../oci/descriptor.js'
import {type Digest, digestOf, isDigest} from '../../../oci/digest.js'
import {readSized, tooLarge} from '../../../stream/limit.js'
import {streamOf} from '../../../stream/bytes.js'
import {removeBlob} from '../blobs/blob-files.js'
import {type RepositoryPlace, type Repository} from '../../repository.js'
import type {CallOptions, StoredManifest} from '../../content-store.js'
import {compareTags} from '../../tags.js'
import {type IndexChildren, type KnownChildren, saysIndex} from './index-children.js'
import {statFile} from '../../../disk/read-file.js'
import {layoutPaths} from '../../layout/paths.js'
import {decodeFacts, type ManifestFacts} from '../../../oci/manifest-facts.js'
import {manifestLimit} from '../../../oci/manifest-kind.js'
import type {RecentBytes} from './recent-bytes.js'
import {putBack, type RepositoryBlobs} from '../blobs/blobs.js'
import {
  entryOfDigest,
  entryOfTag,
  type RepositoryIndex,
  withManifest,
  withoutManifests,
  withoutTag,
  withTag,
} from './index-value.js'
import {openIndexFile} from './index-file.js'
import {createReferrerIndex} from './referrers.js'
import type {LockQueue} from '../blobs/lock-queue.js'
import {checkTagMove} from '../../store-errors.js'

export type RepositoryManifests = Pick<
  Repository,
  | 'getManifest'
  | 'statManifest'
  | 'putManifest'
  | 'listTags'
  | 'deleteBlob'
  | 'deleteTag'
  | 'deleteManifest'
  | 'listReferrers'
>

export interface RepositoryManifestsOptions {
  readonly place: RepositoryPlace
  /** For messages. */
  readonly name: string
  readonly blobs: RepositoryBlobs
  readonly lockQueue: LockQueue
  readonly recent: RecentBytes
  readonly children: KnownChildren
}

/**
 * The manifests and tags of one repository. A manifest is what `index.json` lists, or what an index
 * that it lists names as one of its own (other tools list the topmost document only); a blob that
 * merely looks like one is not.
 */
export function createRepositoryManifests(
  options: RepositoryManifestsOptions,
): RepositoryManifests {
  const {place, name, blobs, lockQueue, recent, children} = options
  const {directory} = place
  const file = openIndexFile(place, name)

  const readBytes = async (blob: BlobInfo, call: CallOptions): Promise<Uint8Array | undefined> => {
    if (blob.size > manifestLimit)
      throw tooLarge(`manifest ${blob.digest} of ${name}`, manifestLimit, blob.size)
    // asked each time, and leased by that: bytes in memory say nothing of what this repository has
    if ((await blobs.statBlob(blob.digest, call)) === undefined) return undefined
    const cached = recent.get(blob.digest)
    if (cached !== undefined) return cached
    // many large ones are read at a time: the memory of chunks is used again
    const stream = await blobs.openBlob(blob, {...call, recycle: true, chunkSize: 64 * 1024})
    const bytes = await readSized(stream, blob.size, `manifest ${blob.digest} of ${name}`)
    recent.set(blob.digest, bytes)
    return bytes
  }

  /** `undefined` for what is missing, damaged, or no document. */
  const readFacts = async (
    blob: BlobInfo,
    call: CallOptions,
  ): Promise<ManifestFacts | undefined> => {
    try {
      const bytes = await readBytes(blob, call)
      return bytes && decodeFacts(bytes, `manifest ${blob.digest} of ${name}`)
    } catch (error) {
      if (!(error instanceof NotFoundError)) ifUnfit(undefined)(error)
      return undefined
    }
  }
  const referrers = createReferrerIndex(readFacts)

  /** A manifest that only an index names. */
  const findChild = async (
    index: RepositoryIndex,
    digest: Digest,
    call: CallOptions,
  ): Promise<Descriptor | undefined> => {
    const blob = await blobs.statBlob(digest, call)
    if (blob === undefined || blob.size > manifestLimit) return undefined
    if (!(await isChild(index, digest, call))) return undefined
    const facts = await readFacts(blob, call)
    return facts?.mediaType === undefined ? undefined : {...blob, mediaType: facts.mediaType}
  }

  const isChild = async (
    index: RepositoryIndex,
    digest: Digest,
    call: CallOptions,
  ): Promise<boolean> => {
    const seen = new Set<Digest>()
    const waiting: BlobInfo[] = index.entries.filter(({mediaType}) => saysIndex(mediaType))
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      if (seen.has(at.digest)) continue
      seen.add(at.digest)
      const known = await childrenOf(at, call)
      const isOfUse = known !== undefined && (known.has(digest) || known.indexes.length > 0)
      // what is remembered of an index says nothing of whether this repository (still) has it
      if (!isOfUse || (await blobs.statBlob(at.digest, call)) === undefined) continue
      if (known.has(digest)) return true
      waiting.push(...known.indexes)
    }
    return false
  }

  /** `undefined` for what is missing, damaged, or no document. */
  const childrenOf = async (
    index: BlobInfo,
    call: CallOptions,
  ): Promise<IndexChildren | undefined> => {
    const known = children.get(index.digest)
    if (known !== undefined) return known
    const facts = await readFacts(index, call)
    return facts && children.add(index.digest, facts)
  }

  const resolve = async (reference: string, call: CallOptions): Promise<Descriptor | undefined> => {
    const index = await file.read()
    if (!isDigest(reference)) return entryOfTag(index, reference, name)
    return entryOfDigest(index, reference) ?? findChild(index, reference, call)
  }

  /**
   * Reads, edits and replaces `index.json` as one step. Nothing is written when it stays the same.
   */
  const edit = <T>(
    work: (index: RepositoryIndex) => Promise<{next: RepositoryIndex; result: T}>,
    {signal}: CallOptions,
  ): Promise<T> =>
    lockQueue(
      layoutPaths.lock(directory),
      async ({confirm}) => {
        const index = await file.read()
        const {next, result} = await work(index)
        if (next !== index) await file.write(next, confirm)
        return result
      },
      {signal},
    )

  return {
    async getManifest(reference, call = {}): Promise<StoredManifest | undefined> {
      call.signal?.throwIfAborted()
      const found = await resolve(reference, call)
      const bytes = found && (await readBytes(found, call))
      if (bytes === undefined || found === undefined) return undefined
      const {mediaType, digest, size} = found
      // a copy: what the caller does to it must not be served to the next one
      const given = call.shared === true ? bytes : bytes.slice()
      return {descriptor: {mediaType, digest, size}, bytes: given}
    },

    async statManifest(reference, call = {}) {
      call.signal?.throwIfAborted()
      const found = await resolve(reference, call)
      return found && (await blobs.statBlob(found.digest, call))?.digest
    },

    async putManifest(bytes, mediaType, {tags = [], algorithm, ...call} = {}) {
      call.signal?.throwIfAborted()
      if (bytes.length > manifestLimit)
        throw tooLarge(`manifest for ${name}`, manifestLimit, bytes.length)
      const own = Uint8Array.from(bytes)
      const digest = digestOf(own, algorithm)
      const descriptor = {mediaType, digest, size: own.length}
      const put = (): Promise<unknown> =>
        blobs.putBlob({open: () => streamOf(own)}, {expected: descriptor, ...call})
      await put()
      await edit(async (index) => {
        for (const each of tags) {
          checkTagMove(each, entryOfTagToMove(index, each.tag, name), name)
        }
        // collected or deleted meanwhile, by somebody who had the lock before
        await putBack(directory, digest)
        if ((await statFile(layoutPaths.blob(directory, digest))) === undefined) await put()
        const now = new Date()
        const next = tags.reduce(
          (edited, {tag}) => withTag(edited, tag, descriptor, now),
          tags.length === 0 ? withManifest(index, descriptor) : index,
        )
        return {next, result: undefined}
      }, call)
      recent.set(digest, own)
      return descriptor
    },

    async *listTags({signal} = {}) {
      signal?.throwIfAborted()
      const {entries} = await file.read()
      const tags = entries.flatMap(({tag}) => (tag === undefined ? [] : [tag]))
      yield* [...new Set(tags)].sort(compareTags)
    },

    async deleteTag(tag, {ifMatch, ...call} = {}) {
      call.signal?.throwIfAborted()
      return edit((index) => {
        const found = entryOfTagToMove(index, tag, name)
        if (ifMatch !== undefined) checkTagMove({tag, from: ifMatch}, found, name)
        return Promise.resolve({next: withoutTag(index, tag), result: found !== undefined})
      }, call)
    },

    async deleteBlob(digest, call = {}) {
      call.signal?.throwIfAborted()
      return lockQueue(
        layoutPaths.lock(directory),
        async ({confirm}) => {
          // a push may have made it one since somebody looked
          if (entryOfDigest(await file.read(), digest)) return false
          await confirm()
          return removeBlob(place, digest)
        },
        call,
      )
    },

    async deleteManifest(digest, call = {}) {
      call.signal?.throwIfAborted()
      if ((await resolve(digest, call)) === undefined) return false
      return lockQueue(
        layoutPaths.lock(directory),
        async ({confirm}) => {
          const index = await file.read()
          const isListed = entryOfDigest(index, digest) !== undefined
          // first the name, then what it names: never a tag without a manifest
          if (isListed) await file.write(withoutManifests(index, new Set([digest])), confirm)
          else await confirm()
          const wasThere = await removeBlob(place, digest)
          return isListed || wasThere
        },
        call,
      )
    },

    async *listReferrers(subject, call = {}) {
      call.signal?.throwIfAborted()
      yield* referrers.list(await file.read(), subject, call)
    },
  }
}

/**
 * A tag that names several manifests can be moved or deleted, which is how it is fixed: its first
 * one counts.
 */
function entryOfTagToMove(index: RepositoryIndex, tag: string, name: string): Digest | undefined {
  try {
    return entryOfTag(index, tag, name)?.digest
  } catch (error) {
    if (!(error instanceof InjectError)) throw error
    return index.entries.find((entry) => entry.tag === tag)?.digest
  }
}
