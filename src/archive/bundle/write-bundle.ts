import type {BlobInfo, Descriptor} from '../../oci/descriptor.js'
import {type Digest, digestOf} from '../../oci/digest.js'
import type {BlobReader, StoredManifest} from '../../store/content-store.js'
import type {CopyPlan} from '../../store/copy/plan.js'
import {manifestParts} from '../../store/manifest-parts.js'
import {streamOf} from '../../stream/bytes.js'
import {indexDocument} from '../saved-documents.js'
import {createTarBlobs, type TarBlobOptions} from '../tar-blobs.js'
import type {TarSink} from '../tar-sink.js'
import {bundleFile, encodeBundle} from './bundle-document.js'
import {earlierThan, type Holdings} from './holdings.js'
import type {BundledImage} from './open-bundle.js'

/** An image with all that belongs to it, and where that is. */
export interface ImageToBundle extends BundledImage {
  readonly plan: CopyPlan
  readonly source: BlobReader
}

/** What went into a bundle, and what did not. */
export interface WrittenBundle {
  readonly id: Digest
  readonly contained: readonly BlobInfo[]
  readonly needed: readonly BlobInfo[]
}

/**
 * Writes images as an OCI image layout that lacks what the other side holds, and all but the end of
 * the tar. Manifests and configs are always in it: with them the receiver can check what it needs.
 * The bytes depend on the images, their names, their order and `held`. Throws what the images'
 * stores throw.
 */
export async function writeBundle(
  tar: TarSink,
  images: readonly ImageToBundle[],
  held: Holdings,
  options: TarBlobOptions,
): Promise<WrittenBundle> {
  const blobs = new Map<Digest, Descriptor>()
  const sources = new Map<Digest, BlobReader>()
  const configs = new Set<Digest>()
  for (const {stored, plan, source} of images) {
    for (const blob of plan.blobs) {
      blobs.set(blob.digest, blob)
      sources.set(blob.digest, source)
    }
    for (const manifest of [...plan.manifests, stored])
      for (const {digest} of manifestParts(manifest).blobs.slice(0, 1)) configs.add(digest)
  }
  const isNeeded = ({digest}: BlobInfo): boolean => held.blobs.has(digest) && !configs.has(digest)
  const needed = [...blobs.values()].filter(isNeeded)
  const contained = [...blobs.values()].filter((blob) => !isNeeded(blob))
  const index = indexDocument(
    images.map(({stored, names}) => ({descriptor: stored.descriptor, names})),
  )
  const document = encodeBundle({
    index: digestOf(Buffer.from(index)),
    links: held.links,
    needs: needed.map(({digest, size}) => ({digest, size, link: held.blobs.get(digest) ?? 0})),
    earlier: earlierThan(held, blobs),
  })

  await addBytes(tar, 'oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}'))
  await addBytes(tar, bundleFile, document)
  await tar.addFolder('blobs')
  const written = createTarBlobs(tar, options)
  for (const {stored, plan} of images)
    for (const {descriptor, bytes} of [...plan.manifests, stored] satisfies StoredManifest[])
      await written.add(descriptor, () => streamOf(bytes))
  for (const blob of contained) {
    const source = sources.get(blob.digest)
    if (source) await written.add(blob, () => source.openBlob(blob, {signal: options.signal}))
  }
  await addBytes(tar, 'index.json', Buffer.from(index))
  return {id: digestOf(document), contained, needed}
}

function addBytes(tar: TarSink, path: string, bytes: Uint8Array): Promise<unknown> {
  return tar.addFile(path, bytes.length, streamOf(bytes))
}
