import {decodeDocument} from '../../image/document.js'
import {
  formatNote,
  noteOf,
  noteOfIndex,
  type RunNote,
  withNote,
} from '../../image/follow/run-note.js'
import type {Encoded} from '../../image/image.js'
import {noteIndex} from '../../image/index/note-index.js'
import type {Digest} from '../../oci/digest.js'
import {ociIndex} from '../../oci/media-type.js'
import type {ContentStore, StoredManifest, TagMove} from '../../store/content-store.js'
import {manifestParts, namesManifest} from '../../store/manifest-parts.js'
import {streamOf} from '../../stream/bytes.js'
import type {Ports} from '../../ports.js'
import {imageOf} from '../find/fetch-image.js'
import {publishKeeping} from '../publish/keep-replaced.js'
import type {PublishRequest} from '../publish/publish-request.js'
import {noteOfRun} from '../publish/run-notes.js'
import type {StagedStore} from './staged-store.js'

/** A document that was made, and what it replaces. */
export interface StagedResult {
  readonly digest: Digest
  /** What the tag names now; `undefined`: nothing. */
  readonly replaced: Digest | undefined
  /** The slot that the run changed, if it is one. */
  readonly slot: string | undefined
}

/**
 * The document with the note of this run, in the staged store: the same digest if the document is
 * what the tag names already, whatever an earlier run noted in it.
 */
export async function noteStaged(
  staged: StagedStore,
  {digest, replaced, slot}: StagedResult,
  {version, signal}: Pick<Ports, 'version' | 'signal'>,
): Promise<Digest> {
  // a document that was there before this run stays what it is, as the original of an image does
  if (replaced === undefined || !staged.staged(digest)) return digest
  const made = await staged.getManifest(digest, {signal})
  const before = await staged.getManifest(replaced, {signal})
  const make = (note: RunNote | undefined) => withNoteOf(staged, made, note, signal)
  const old = before && (await noteIn(staged, before, signal))
  if (before && (await make(old)) === replaced) return replaced
  return make(noteOfRun({note: undefined, version}, {digest: replaced, note: old}, slot))
}

async function noteIn(
  staged: StagedStore,
  stored: StoredManifest,
  signal: AbortSignal,
): Promise<RunNote | undefined> {
  const document = decodeDocument(stored)
  return document.kind === 'index'
    ? noteOfIndex(document.index)
    : noteOf(await imageOf(staged, document.manifest, signal))
}

/** The digest of the document with that note, which the staged store has. */
async function withNoteOf(
  staged: StagedStore,
  stored: StoredManifest | undefined,
  note: RunNote | undefined,
  signal: AbortSignal,
): Promise<Digest> {
  if (!stored) throw new TypeError('a staged document is gone')
  const document = decodeDocument(stored)
  if (document.kind === 'image') {
    const image = withNote(await imageOf(staged, document.manifest, signal), note)
    const {descriptor, bytes} = image.config
    await staged.putBlob({open: () => streamOf(bytes)}, {expected: descriptor, signal})
    return put(staged, image.manifest)
  }
  // Docker's lists have no annotations
  if (document.index.descriptor.mediaType !== ociIndex) return stored.descriptor.digest
  return put(staged, noteIndex(document.index, formatNote(note)))
}

async function put(staged: StagedStore, {bytes, descriptor}: Encoded<unknown>): Promise<Digest> {
  return (await staged.putManifest(bytes, descriptor.mediaType)).digest
}

/** What is published, and how. */
export interface StagedPublication {
  readonly digest: Digest
  readonly moves: readonly TagMove[]
  readonly request: {readonly publish: PublishRequest}
  /** Called with the bytes of each document that is sent. */
  readonly onSent: (bytes: number) => void
}

/**
 * Stores what the staged document needs, innermost first, and moves the tags to it: configs,
 * manifests of images, indexes, the outermost document with its tags.
 */
export async function publishStaged(
  real: ContentStore,
  staged: StagedStore,
  {digest, moves, request, onSent}: StagedPublication,
  ports: Ports,
): Promise<void> {
  const {signal} = ports
  const outermost = await staged.getManifest(digest, {signal})
  if (!outermost) throw new TypeError('a staged document is gone')
  await storeParts(outermost)
  onSent(outermost.bytes.length)
  const changed = {outermost: {...outermost, value: undefined}, images: [], indexes: []}
  await publishKeeping(real, {changed, moves, request}, ports)

  async function storeParts(stored: StoredManifest): Promise<void> {
    const {blobs, children} = manifestParts(stored)
    for (const {digest: config} of blobs) {
      const bytes = staged.stagedBlob(config)
      if (!bytes) continue
      const expected = {digest: config, size: bytes.length}
      const source = {open: () => streamOf(bytes)}
      const {written} = await real.putBlob(source, {expected, isNew: true, signal})
      if (written) onSent(bytes.length)
    }
    for (const child of children) {
      const own = namesManifest(child) ? staged.staged(child.digest) : undefined
      if (!own) continue
      await storeParts(own)
      onSent(own.bytes.length)
      await real.putManifest(own.bytes, own.descriptor.mediaType, {signal})
    }
  }
}

/** Bytes of the documents that publishing would send. */
export async function sizeOfStaged(staged: StagedStore, digest: Digest): Promise<number> {
  const own = staged.staged(digest)
  if (!own) return 0
  const {blobs, children} = manifestParts(own)
  let size = own.bytes.length
  for (const blob of blobs) size += staged.stagedBlob(blob.digest)?.length ?? 0
  for (const child of children) size += await sizeOfStaged(staged, child.digest)
  return size
}
