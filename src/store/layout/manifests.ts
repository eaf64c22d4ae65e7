import {lstat, realpath} from 'node:fs/promises'
import {writeFileAtomic} from '../../disk/atomic-file.js'
import {type HeldLock, withLock} from '../../disk/lock.js'
import {InjectError, IntegrityError} from '../../errors.js'
import {type Descriptor, type BlobInfo} from '../../oci/descriptor.js'
import {type Digest, digestOf, isDigest} from '../../oci/digest.js'
import {isLocalName} from '../../oci/names/local-name.js'
import {formatReference} from '../../oci/names/reference.js'
import {parseDocument} from '../../oci/json.js'
import {freeForm} from '../../oci/known-members.js'
import {readAll, tooLarge} from '../../stream/limit.js'
import {streamOf} from '../../stream/bytes.js'
import {entryNames, type NameLister} from '../name-lister.js'
import {compareTags} from '../tags.js'
import type {BlobReader, BlobWriter, ManifestStore, StoredManifest} from '../content-store.js'
import {readFileStream, statFile} from '../../disk/read-file.js'
import {keepIndexCopy} from './index-copy.js'
import {layoutPaths, tempPrefix} from './paths.js'
import {decodeLayoutIndex, findTag, type LayoutIndex, list, moveTag} from './index-json.js'
import {manifestLimit, mediaTypeIn} from '../../oci/manifest-kind.js'
import {findRoot} from './root-paths.js'
import {checkTagMove} from '../store-errors.js'

/**
 * The manifests and tags of a layout on disk: blobs like all others, and `index.json`, which names
 * some of them.
 */
export interface LayoutManifests extends ManifestStore, NameLister {
  /**
   * The one manifest (or index) that the layout is about, however many entries name it; `undefined`
   * when it is about none or several.
   */
  onlyManifest(): Promise<Digest | undefined>
  /** All manifests that `index.json` lists, each once, in its order. */
  listManifests(): Promise<readonly Digest[]>
}

export function createLayoutManifests(
  directory: string,
  name: string,
  blobs: BlobReader & BlobWriter,
): LayoutManifests {
  const path = layoutPaths.index(directory)
  const where = `index.json of ${name}`

  const readIndex = async (): Promise<LayoutIndex> => {
    if ((await statFile(path)) === undefined)
      throw new IntegrityError('ERR_INJECT_LAYOUT_INVALID', `${name} has no index.json`)
    return decodeLayoutIndex(await readAll(readFileStream(path), manifestLimit, where), where)
  }

  const readManifest = async (
    {digest, size}: BlobInfo,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> => {
    if (size > manifestLimit) throw tooLarge(`manifest ${digest} of ${name}`, manifestLimit, size)
    const stream = await blobs.openBlob({digest, size}, {signal})
    return readAll(stream, manifestLimit, `manifest ${digest} of ${name}`)
  }

  const getByDigest = async (
    digest: Digest,
    signal: AbortSignal | undefined,
  ): Promise<StoredManifest | undefined> => {
    const listed = (await readIndex()).entries.find((entry) => entry.digest === digest)
    const blob = await blobs.statBlob(digest, {signal})
    if (blob === undefined) return undefined
    if (listed !== undefined)
      return {descriptor: toDescriptor(listed), bytes: await readManifest(listed, signal)}
    const bytes = await readManifest(blob, signal)
    const mediaType = mediaTypeOf(bytes, name)
    return mediaType === undefined ? undefined : {descriptor: {...blob, mediaType}, bytes}
  }

  const writeIndex = async (
    index: LayoutIndex,
    next: LayoutIndex,
    check: () => Promise<void>,
  ): Promise<void> => {
    if (next.text === index.text) return
    const {mode} = await lstat(path)
    await writeFileAtomic(path, next.text, {mode: mode & 0o777, prefix: tempPrefix, check})
  }

  return {
    async getManifest(reference, {signal} = {}) {
      signal?.throwIfAborted()
      if (isDigest(reference)) return getByDigest(reference, signal)
      const entry = findTag(await readIndex(), reference, where)
      if (entry === undefined) return undefined
      return {descriptor: toDescriptor(entry), bytes: await readManifest(entry, signal)}
    },

    async statManifest(reference, {signal} = {}) {
      signal?.throwIfAborted()
      if (isDigest(reference)) return (await getByDigest(reference, signal))?.descriptor.digest
      return findTag(await readIndex(), reference, where)?.digest
    },

    async putManifest(bytes, mediaType, {tags = [], algorithm, signal} = {}) {
      signal?.throwIfAborted()
      if (bytes.length > manifestLimit)
        throw tooLarge(`manifest for ${name}`, manifestLimit, bytes.length)
      const descriptor = {mediaType, digest: digestOf(bytes, algorithm), size: bytes.length}
      const put = (): Promise<unknown> =>
        blobs.putBlob({open: () => streamOf(bytes)}, {expected: descriptor, signal})
      // a document that says its own type needs no entry
      const unlisted = tags.length === 0 && mediaTypeOf(bytes, name) === mediaType
      if (unlisted) {
        await put()
        return descriptor
      }
      const move = async ({confirm}: HeldLock): Promise<void> => {
        const index = await readIndex()
        for (const each of tags) checkTagMove(each, findTag(index, each.tag, where)?.digest, name)
        await put()
        const start = tags.length === 0 ? list(index, descriptor, where) : index
        // other tools find nothing of ours in a layout of their own
        const root = await findRoot(directory)
        const pushed = root === undefined ? undefined : new Date()
        const next = tags.reduce(
          (edited, {tag}) => moveTag(edited, {tag, descriptor, pushed}, where),
          start,
        )
        await writeIndex(index, next, confirm)
        if (root !== undefined)
          await keepIndexCopy({root, directory: await realpath(directory)}, next.text)
      }
      await withLock(layoutPaths.lock(directory), move, {signal})
      return descriptor
    },

    async *listTags({signal} = {}) {
      signal?.throwIfAborted()
      const tags = (await readIndex()).entries.flatMap(({tag}) => (tag === undefined ? [] : [tag]))
      yield* [...new Set(tags)].sort(compareTags)
    },

    async onlyManifest() {
      const [digest, ...others] = new Set((await readIndex()).entries.map((entry) => entry.digest))
      return others.length === 0 ? digest : undefined
    },

    async listNames() {
      return entryNames((await readIndex()).entries, isLocalName).map((entry) =>
        formatReference({kind: 'layout', directory, ...entry}),
      )
    },

    async listManifests() {
      return [...new Set((await readIndex()).entries.map((entry) => entry.digest))]
    },
  }
}

function toDescriptor({mediaType, digest, size}: Descriptor): Descriptor {
  return {mediaType, digest, size}
}

/** `undefined` for bytes that are not a document, too. */
function mediaTypeOf(bytes: Uint8Array, name: string): string | undefined {
  try {
    return mediaTypeIn(parseDocument(bytes, `manifest of ${name}`, freeForm).value)
  } catch (error) {
    if (error instanceof InjectError) return undefined
    throw error
  }
}
