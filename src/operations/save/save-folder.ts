import {availableParallelism} from 'node:os'
import {openBlobCache} from '../../fast/blob-cache.js'
import {fillFastFolder} from '../../fast/folder.js'
import {type FastCounts, saveFast} from '../../fast/save.js'
import type {Digest} from '../../oci/digest.js'
import type {Platform} from '../../oci/platform.js'
import type {Reference} from '../../oci/names/reference.js'
import {findImage} from './images-to-save.js'
import type {Ports} from '../../ports.js'

export interface SaveFolderOptions {
  readonly image: Reference
  readonly directory: string
  /** Store layers as uncompressed tars. */
  readonly uncompressed: boolean
  readonly platform?: Platform | undefined
  /** The number of layers processed at once. */
  readonly jobs: number
  /** A folder that caches blobs for later runs. */
  readonly cache?: string | undefined
}

export interface SaveFolderResult {
  readonly directory: string
  /** `repository@digest` of the source image. */
  readonly reference: string
  readonly digest: Digest
  readonly config: Digest
  readonly layers: number
  readonly contents: FastCounts
  /** Bytes of the fetched layers, in the form that the folder holds. */
  readonly bytes: number
}

/**
 * Writes one image as a folder of plain files. The folder is marked complete only when all of it is
 * written. See `fillFastFolder`.
 */
export async function saveFolder(
  {
    image: reference,
    directory,
    uncompressed,
    platform,
    jobs,
    cache: cacheFolder,
  }: SaveFolderOptions,
  ports: Ports,
): Promise<SaveFolderResult> {
  const {report, signal} = ports
  const store = await ports.openStore(reference, {writes: false})
  try {
    const {image, reference: from} = await findImage(
      store,
      reference,
      platform && [platform],
      ports,
    )
    report({kind: 'step', step: 'save', on: directory})
    let bytes = 0
    const onBytes = (count: number): void => report({kind: 'bytes', done: (bytes += count)})
    const threads = Math.min(jobs, availableParallelism())
    const contents = await fillFastFolder(directory, async (staging) => {
      const cache =
        cacheFolder === undefined ? undefined : await openBlobCache(cacheFolder, {threads})
      try {
        return await saveFast(staging, image, store, {uncompressed, jobs, cache, signal, onBytes})
      } finally {
        await cache?.close()
      }
    })
    return {
      directory,
      reference: from,
      digest: image.manifest.descriptor.digest,
      config: image.config.descriptor.digest,
      layers: image.manifest.value.layers.length,
      contents,
      bytes,
    }
  } finally {
    await store.close()
  }
}
