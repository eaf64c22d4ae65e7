import {randomUUID} from 'node:crypto'
import {IntegrityError, PreconditionError} from '../../src/errors.js'
import {algorithmOf, type Digest, digestOf, isDigest} from '../../src/oci/digest.js'
import {blobNotFound, checkTagMove} from '../../src/store/store-errors.js'
import {compareTags} from '../../src/store/tags.js'
import type {StoredManifest} from '../../src/store/content-store.js'
import type {
  Referrer,
  Repository,
  RepositoryRoot,
  UploadSession,
} from '../../src/store/repository.js'
import {readAll} from '../../src/stream/limit.js'
import {streamOf} from '../../src/stream/bytes.js'
import {verified} from '../../src/stream/verify.js'

export interface MemoryRoot extends RepositoryRoot {
  readonly repositories: ReadonlyMap<string, MemoryRepository>
}

/** A repository whose content can be looked at and damaged. */
interface MemoryRepository extends Repository {
  readonly blobs: Map<Digest, Uint8Array>
  readonly manifests: Map<Digest, StoredManifest>
  readonly tags: Map<string, Digest>
  readonly sessions: Map<string, UploadSession>
}

/** A root that does what src/store/repository.ts says and lives as long as the test. */
export function createMemoryRoot(): MemoryRoot {
  const repositories = new Map<string, MemoryRepository>()
  return {
    directory: '/nowhere',
    check: () => Promise.resolve(),
    repositories,
    openRepository: (name) => Promise.resolve(repositories.get(name)),
    createRepository(name) {
      const repository = repositories.get(name) ?? createRepository(name, repositories)
      repositories.set(name, repository)
      return Promise.resolve(repository)
    },
    async startUpload(name, options) {
      return (await this.createRepository(name)).startUpload(options)
    },
    resumeUpload: async (name, id) => repositories.get(name)?.resumeUpload(id),
    // eslint-disable-next-line @typescript-eslint/require-await -- all is here already
    async *listRepositories() {
      yield* [...repositories.keys()].sort(compareTags)
    },
    close: () => Promise.resolve(),
  }
}

function createRepository(
  name: string,
  repositories: ReadonlyMap<string, MemoryRepository>,
): MemoryRepository {
  const blobs: MemoryRepository['blobs'] = new Map()
  const manifests: MemoryRepository['manifests'] = new Map()
  const tags: MemoryRepository['tags'] = new Map()
  const sessions: MemoryRepository['sessions'] = new Map()
  const resolve = (reference: string): StoredManifest | undefined =>
    manifests.get(isDigest(reference) ? reference : (tags.get(reference) ?? ('' as Digest)))

  return {
    name,
    blobs,
    manifests,
    tags,
    sessions,
    statBlob(digest) {
      const bytes = blobs.get(digest) ?? manifests.get(digest)?.bytes
      return Promise.resolve(bytes && {digest, size: bytes.length})
    },
    openBlob(blob) {
      const bytes = blobs.get(blob.digest) ?? manifests.get(blob.digest)?.bytes
      if (!bytes) return Promise.reject(blobNotFound(blob.digest, name))
      return Promise.resolve(verified(slices(bytes), blob, blob.digest))
    },
    openBlobRange({digest}, {first, last}) {
      const bytes = blobs.get(digest)
      if (!bytes) return Promise.reject(blobNotFound(digest, name))
      return Promise.resolve(streamOf(bytes.subarray(first, last + 1)))
    },
    async putBlob(source) {
      const bytes = await readAll(source.open(), Infinity, 'blob')
      const digest = digestOf(bytes)
      const written = !blobs.has(digest)
      blobs.set(digest, bytes)
      return {digest, size: bytes.length, written}
    },
    mountBlob(digest, from) {
      const bytes = repositories.get(from)?.blobs.get(digest)
      if (bytes) blobs.set(digest, bytes)
      return Promise.resolve(bytes !== undefined)
    },
    deleteBlob: (digest) => Promise.resolve(blobs.delete(digest)),

    getManifest: (reference) => Promise.resolve(resolve(reference)),
    statManifest: (reference) => Promise.resolve(resolve(reference)?.descriptor.digest),
    // eslint-disable-next-line @typescript-eslint/require-await -- what is thrown must be a rejection
    async putManifest(bytes, mediaType, {tags: moves = [], algorithm} = {}) {
      for (const move of moves) checkTagMove(move, tags.get(move.tag), name)
      const descriptor = {mediaType, digest: digestOf(bytes, algorithm), size: bytes.length}
      manifests.set(descriptor.digest, {descriptor, bytes})
      for (const {tag} of moves) tags.set(tag, descriptor.digest)
      return descriptor
    },
    // eslint-disable-next-line @typescript-eslint/require-await -- all is here already
    async *listTags() {
      yield* [...tags.keys()].sort(compareTags)
    },
    // eslint-disable-next-line @typescript-eslint/require-await -- what is thrown must be a rejection
    async deleteTag(tag, {ifMatch} = {}) {
      checkTagMove({tag, from: ifMatch}, tags.get(tag), name)
      return tags.delete(tag)
    },
    deleteManifest(digest) {
      for (const [tag, target] of tags) if (target === digest) tags.delete(tag)
      return Promise.resolve(manifests.delete(digest))
    },
    // eslint-disable-next-line @typescript-eslint/require-await -- all is here already
    async *listReferrers(subject, {after = ''} = {}) {
      const all = [...manifests.values()].flatMap((stored) => referrerOf(stored, subject))
      yield* all
        .filter(({digest}) => digest > after)
        .sort((a, b) => compareTags(a.digest, b.digest))
    },

    startUpload() {
      const session = createSession(blobs, (id) => sessions.delete(id))
      sessions.set(session.id, session)
      return Promise.resolve(session)
    },
    resumeUpload: (id) => Promise.resolve(sessions.get(id)),
    close: () => Promise.resolve(),
  }
}

function createSession(blobs: MemoryRepository['blobs'], end: (id: string) => void): UploadSession {
  const id = randomUUID()
  let bytes = Buffer.alloc(0)
  let isBusy = false
  return {
    id,
    get offset() {
      return bytes.length
    },
    async append(stream, {at} = {}) {
      if (isBusy) throw new PreconditionError('ERR_INJECT_UPLOAD_BUSY', 'another request appends')
      if (at !== undefined && at !== bytes.length)
        throw new PreconditionError('ERR_INJECT_UPLOAD_OUT_OF_ORDER', `not at byte ${at}`)
      isBusy = true
      try {
        for await (const chunk of stream) bytes = Buffer.concat([bytes, chunk])
      } finally {
        isBusy = false
      }
      return bytes.length
    },
    // eslint-disable-next-line @typescript-eslint/require-await -- what is thrown must be a rejection
    async finish(expected) {
      end(id)
      const found = digestOf(bytes, algorithmOf(expected))
      if (found !== expected)
        throw new IntegrityError('ERR_INJECT_DIGEST_MISMATCH', 'other content', {expected, found})
      blobs.set(expected, bytes)
      return {digest: expected, size: bytes.length}
    },
    cancel() {
      end(id)
      return Promise.resolve()
    },
  }
}

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers */
function referrerOf({descriptor, bytes}: StoredManifest, subject: Digest): Referrer[] {
  const text = Buffer.from(bytes).toString()
  // what is not JSON refers to nothing
  const document = JSON.parse(/^\s*\{[^]*\}\s*$/.test(text) ? text : '{}') as {
    subject?: {digest: string}
    artifactType?: string
    config?: {mediaType: string}
    annotations?: Record<string, string>
  }
  if (document.subject?.digest !== subject) return []
  const artifactType = document.artifactType || document.config?.mediaType
  return [
    {
      ...descriptor,
      ...(artifactType && {artifactType}),
      ...(document.annotations && {annotations: document.annotations}),
    },
  ]
}

// eslint-disable-next-line @typescript-eslint/require-await -- all is here already
async function* slices(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  for (let start = 0; start < bytes.length; start += 65_536)
    yield bytes.subarray(start, start + 65_536)
}
