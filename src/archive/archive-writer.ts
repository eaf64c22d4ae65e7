import {stat} from 'node:fs/promises'
import {dirname} from 'node:path'
import {ifNoSuchPath, quietly} from '../disk/error-answers.js'
import {writeTempFile} from '../disk/temp-file.js'
import {ConflictError} from '../errors.js'
import {algorithmOf, type Digest, digestOf, isDigest} from '../oci/digest.js'
import {quoted} from '../oci/quoted.js'
import {type ArchiveReference, repositoryName} from '../oci/names/reference.js'
import {blobNotFound, checkTagMove} from '../store/store-errors.js'
import {compareTags} from '../store/tags.js'
import type {BlobSource, ContentStore, StoredManifest} from '../store/content-store.js'
import type {BlobInfo} from '../oci/descriptor.js'
import type {Finishable} from '../store/finishable.js'
import {readFileStream} from '../disk/read-file.js'
import {manifestLimit} from '../oci/manifest-kind.js'
import {abortable, streamOf} from '../stream/bytes.js'
import {tooLarge} from '../stream/limit.js'
import {verified} from '../stream/verify.js'
import {dockerFiles, layoutIndex, refuseForDocker} from './archive-index.js'
import type {Member} from './index-tar.js'
import {blobPath} from './oci-archive.js'
import {createTarFile} from './tar-file.js'

/**
 * A new archive: an OCI image layout in a tar, with what Docker needs besides in a docker-archive.
 * Blobs go into the file as they come, one after the other; it is there, instead of what was there
 * before, when `finish` was called. The same content put in the same order gives the same bytes.
 * Throws `ConflictError` (`ERR_INJECT_FILE_EXISTS`) with `noClobber` when the file is there.
 */
export async function createArchive(
  reference: ArchiveReference,
  {noClobber = false}: {readonly noClobber?: boolean | undefined} = {},
): Promise<ContentStore & Finishable> {
  const {kind, file, name} = reference
  const where = repositoryName(reference)
  if (noClobber && (await stat(file).catch(ifNoSuchPath(undefined))) !== undefined)
    throw fileExists(file)
  const tar = await createTarFile(file)
  const blobs = new Map<Digest, Member>()
  const folders = new Set<string>()
  const manifests = new Map<Digest, StoredManifest>()
  const tags = new Map<string, StoredManifest>()
  let turn: Promise<unknown> = Promise.resolve()

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = turn.then(work)
    turn = quietly(result)
    return result
  }
  const addText = (path: string, text: string): Promise<Member> => {
    const bytes = Buffer.from(text)
    return tar.addFile(path, bytes.length, streamOf(bytes))
  }
  const addFolder = async (path: string): Promise<void> => {
    if (folders.has(path)) return
    folders.add(path)
    await tar.addFolder(path)
  }
  const addBlob = async ({digest, size}: BlobInfo, content: AsyncIterable<Uint8Array>) => {
    await addFolder('blobs')
    await addFolder(`blobs/${algorithmOf(digest)}`)
    blobs.set(digest, await tar.addFile(blobPath(digest), size, content))
  }
  const put = async (source: BlobSource, blob: BlobInfo, signal: AbortSignal | undefined) => {
    signal?.throwIfAborted()
    if (blobs.get(blob.digest)?.size === blob.size) return {...blob, written: false}
    const stream = abortable(source.open({signal}), signal)
    await addBlob(blob, verified(stream, blob, `content of ${blob.digest}`))
    return {...blob, written: true}
  }
  const resolve = (key: string): StoredManifest | undefined =>
    isDigest(key) ? manifests.get(key) : tags.get(key)

  try {
    await addText('oci-layout', '{"imageLayoutVersion":"1.0.0"}')
  } catch (error) {
    await tar.discard()
    throw error
  }
  return {
    name: where,

    statBlob(digest) {
      const member = blobs.get(digest)
      return Promise.resolve(member && {digest, size: member.size})
    },

    openBlob(blob, {signal} = {}) {
      const member = blobs.get(blob.digest)
      if (!member) return Promise.reject(blobNotFound(blob.digest, where))
      const {offset, size} = member
      const stream = readFileStream(tar.path, {first: offset, end: offset + size})
      return Promise.resolve(verified(abortable(stream, signal), blob, `blob of ${where}`))
    },

    async putBlob(source, {expected, signal} = {}) {
      if (expected) return inTurn(() => put(source, {...expected}, signal))
      // a tar says how long a file is before it comes
      const stream = abortable(source.open({signal}), signal)
      const spool = await writeTempFile(stream, {
        folder: dirname(file),
        prefix: '.inject-spool-',
        mode: 0o600,
      })
      try {
        const {digest, size, path} = spool
        return await inTurn(() => put({open: () => readFileStream(path)}, {digest, size}, signal))
      } finally {
        await spool.discard()
      }
    },

    getManifest: (key) => Promise.resolve(resolve(key)),
    statManifest: (key) => Promise.resolve(resolve(key)?.descriptor.digest),

    putManifest(bytes, mediaType, {tags: moves = [], algorithm, signal} = {}) {
      return inTurn(async () => {
        if (bytes.length > manifestLimit)
          throw tooLarge(`manifest for ${where}`, manifestLimit, bytes.length)
        const descriptor = {mediaType, digest: digestOf(bytes, algorithm), size: bytes.length}
        const stored = {descriptor, bytes}
        if (kind === 'docker-archive') {
          refuseForDocker(stored, ({digest}) => blobs.has(digest), where)
        }
        for (const move of moves) checkTagMove(move, tags.get(move.tag)?.descriptor.digest, where)
        await put({open: () => streamOf(bytes)}, descriptor, signal)
        manifests.set(descriptor.digest, stored)
        for (const {tag} of moves) tags.set(tag, stored)
        return descriptor
      })
    },

    async *listTags() {
      yield* await Promise.resolve([...tags.keys()].sort(compareTags))
    },

    finish: () =>
      inTurn(async () => {
        if (kind === 'docker-archive') {
          const {manifest, repositories} = dockerFiles(tags, name)
          await addText('manifest.json', manifest)
          if (repositories !== undefined) await addText('repositories', repositories)
        }
        await addText('index.json', layoutIndex(tags, name))
        await tar.commit()
      }),

    close: () => inTurn(() => tar.discard()),
  }
}

function fileExists(file: string): ConflictError {
  return new ConflictError('ERR_INJECT_FILE_EXISTS', `${quoted(file)} is there already`, {
    hint: 'name another file, or drop --no-clobber',
  })
}
