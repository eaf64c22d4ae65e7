import {dirname} from 'node:path'
import {fullName, type ImageName} from '../../archive/saved-documents.js'
import {saveImages, type SaveOptions as ArchiveOptions} from '../../archive/save-images.js'
import {spoolPrefix} from '../../archive/tar-blobs.js'
import {createTarFile} from '../../archive/tar-file.js'
import {createTarStream} from '../../archive/tar-stream.js'
import {clearDead} from '../../disk/owned-name.js'
import type {Digest} from '../../oci/digest.js'
import type {Platform} from '../../oci/platform.js'
import type {Reference} from '../../oci/names/reference.js'
import type {ContentStore} from '../../store/content-store.js'
import {findImage, type FoundImage, mergeImages} from './images-to-save.js'
import type {Ports} from '../../ports.js'

/** A file that is replaced when everything is written, or a stream that gets the bytes at once. */
export type SaveOutput =
  | {readonly kind: 'file'; readonly path: string}
  | {
      readonly kind: 'stream'
      readonly write: (bytes: Uint8Array) => Promise<void>
      /** Where layers are kept while they are compressed again. */
      readonly temporary: string
    }

export interface SaveOptions extends Pick<ArchiveOptions, 'compression' | 'legacy'> {
  readonly images: readonly Reference[]
  /**
   * The names of the single image in the archive, instead of its names at the source; empty: the
   * names at the source.
   */
  readonly names: readonly ImageName[]
  /** Which images of an index to save. */
  readonly platform?: Platform | undefined
  readonly output: SaveOutput
}

export interface SavedImageResult {
  /** `repository@digest` where it comes from. */
  readonly reference: string
  /**
   * The digest of the manifest in the archive, which differs from the source's if layers were
   * compressed again.
   */
  readonly digest: Digest
  /** What Docker calls the image's id. */
  readonly config: Digest
  readonly names: readonly string[]
  readonly layers: number
  /** Layers that are in the archive only as their addresses. */
  readonly foreign: number
}

export interface SaveResult {
  /** `null`: the archive went to standard output. */
  readonly file: string | null
  readonly images: readonly SavedImageResult[]
  /** Bytes of blobs. */
  readonly bytes: number
}

/**
 * Writes images into one archive that Docker, podman, skopeo and containerd load. A file is written
 * under another name and renamed when it is complete, so a partial file never has the final name.
 * Equal images in equal order give equal bytes.
 */
export async function save(options: SaveOptions, ports: Ports): Promise<SaveResult> {
  const {images, names, platform, output} = options
  const stores: ContentStore[] = []
  try {
    const found: FoundImage[] = []
    for (const reference of images) {
      const store = await ports.openStore(reference, {writes: false})
      stores.push(store)
      const each = await findImage(store, reference, platform && [platform], ports)
      found.push(names.length > 0 ? {...each, names} : each)
    }
    return await write(
      mergeImages(found, ({image}) => image.manifest.descriptor.digest),
      output,
      options,
      ports,
    )
  } finally {
    await Promise.all(stores.map((store) => store.close()))
  }
}

async function write(
  images: readonly FoundImage[],
  output: SaveOutput,
  {compression, legacy}: SaveOptions,
  {report, signal}: Ports,
): Promise<SaveResult> {
  const file = output.kind === 'file' ? output.path : null
  report({kind: 'step', step: 'save', on: file ?? 'standard output'})
  let bytes = 0
  const onBytes = (count: number): void => report({kind: 'bytes', done: (bytes += count)})
  const temporary = output.kind === 'file' ? dirname(output.path) : output.temporary
  await clearDead(temporary, spoolPrefix)
  const tar =
    output.kind === 'file' ? await createTarFile(output.path) : createTarStream(output.write)
  try {
    const options = {compression, legacy, temporary, signal, onBytes}
    const saved = await saveImages(tar, images, options)
    signal.throwIfAborted()
    await tar.commit()
    return {
      file,
      images: saved.map(({descriptor, config, names, layers, foreign}, at) => ({
        reference: images[at]?.reference ?? '',
        digest: descriptor.digest,
        config: config.digest,
        names: names.map((name) => fullName(name) ?? name.tag),
        layers: layers.length,
        foreign: foreign.size,
      })),
      bytes,
    }
  } finally {
    await tar.discard()
  }
}
