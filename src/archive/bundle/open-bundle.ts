import {basename} from 'node:path'
import {type Digest, digestOf} from '../../oci/digest.js'
import type {Descriptor} from '../../oci/descriptor.js'
import {manifestLimit} from '../../oci/manifest-kind.js'
import {referenceIn, repositoryName} from '../../oci/names/reference.js'
import type {ContentStore, StoredManifest} from '../../store/content-store.js'
import {decodeLayoutIndex} from '../../store/layout/index-json.js'
import {openOciArchive} from '../oci-archive.js'
import {type Archive, readArchive, type ReadArchiveOptions} from '../read-archive.js'
import {containerdName, type ImageName} from '../saved-documents.js'
import {type BundleDocument, bundleFile, decodeBundle} from './bundle-document.js'
import {bundleInvalid} from './bundle-invalid.js'

/** One manifest or index of a bundle, with its names. */
export interface BundledImage {
  readonly stored: StoredManifest
  /** Empty: it has none, and is found by its digest. */
  readonly names: readonly ImageName[]
}

/** A bundle that is read. */
export interface Bundle extends BundleDocument {
  readonly id: Digest
  /** The file's name, without its folder. */
  readonly name: string
  readonly images: readonly BundledImage[]
  /** What the bundle holds; and, as if it held them, the sizes of the blobs that it needs. */
  readonly store: ContentStore
  close(): Promise<void>
}

/**
 * Opens a bundle; any other OCI archive is one that needs nothing. Throws `IntegrityError`
 * (`ERR_INJECT_IMAGE_BUNDLE_INVALID`) when its parts do not belong together, and what reading an
 * archive throws.
 */
export async function openBundle(file: string, options: ReadArchiveOptions): Promise<Bundle> {
  const name = basename(file)
  const archive = await readArchive(file, name, options)
  try {
    const store = await openOciArchive(archive)
    const document = await readDocument(archive)
    const images = await readImages(archive, store)
    const needs = new Map(document.needs.map(({digest, size}) => [digest, {digest, size}]))
    return {
      ...document,
      name,
      images,
      store: {
        ...store,
        statBlob: async (digest, call) => (await store.statBlob(digest, call)) ?? needs.get(digest),
      },
      close: () => archive.close(),
    }
  } catch (error) {
    await archive.close()
    throw error
  }
}

async function readDocument(archive: Archive): Promise<BundleDocument & {readonly id: Digest}> {
  const index = digestOf((await archive.read('index.json', manifestLimit)) ?? new Uint8Array())
  const bytes = await archive.read(bundleFile, manifestLimit)
  if (!bytes) return {id: index, index, links: [], needs: [], earlier: []}
  const document = decodeBundle(bytes, archive.name)
  if (document.index === index) return document
  throw bundleInvalid(archive.name, `its index.json is not the one that ${bundleFile} was made for`)
}

async function readImages(archive: Archive, store: ContentStore): Promise<BundledImage[]> {
  const bytes = (await archive.read('index.json', manifestLimit)) ?? new Uint8Array()
  const {entries} = decodeLayoutIndex(bytes, `index.json in ${archive.name}`)
  const images = new Map<Digest, {stored: StoredManifest; names: ImageName[]}>()
  for (const entry of entries) {
    const {digest} = entry
    const image = images.get(digest) ?? {stored: await load(store, digest, archive), names: []}
    images.set(digest, image)
    const found = nameOf(entry)
    if (found) image.names.push(found)
  }
  return [...images.values()]
}

async function load(
  store: ContentStore,
  digest: Digest,
  archive: Archive,
): Promise<StoredManifest> {
  const stored = await store.getManifest(digest)
  if (stored) return stored
  throw bundleInvalid(archive.name, `it lacks the manifest ${digest}, which its index.json lists`)
}

/** The full name where there is one, else the tag. */
function nameOf({
  tag,
  annotations,
}: Descriptor & {readonly tag: string | undefined}): ImageName | undefined {
  for (const text of [annotations?.[containerdName], tag]) {
    const reference = text?.includes('/') ? referenceIn(text) : undefined
    if (reference?.kind === 'registry' && reference.tag !== undefined)
      return {repository: repositoryName(reference), tag: reference.tag}
  }
  return tag === undefined ? undefined : {repository: undefined, tag}
}
