import {LimitError} from '../../errors.js'
import {decodeImage, type Encoded, encodedManifest, type Image} from '../../image/image.js'
import type {Manifest} from '../../oci/manifest.js'
import {readAll} from '../../stream/limit.js'
import type {ContentStore} from '../../store/content-store.js'

/** Configs are small; a larger one is refused. */
const largestConfig = 4 * 1024 * 1024

/**
 * The manifest and config of the image that a tag or digest names; `undefined` if there is no such
 * image.
 */
export async function fetchImage(
  store: ContentStore,
  name: string,
  signal: AbortSignal,
): Promise<Image | undefined> {
  const stored = await store.getManifest(name, {signal})
  return stored && imageOf(store, encodedManifest(stored), signal)
}

/** The image of a manifest that was already read and decoded. */
export async function imageOf(
  store: ContentStore,
  manifest: Encoded<Manifest>,
  signal: AbortSignal,
): Promise<Image> {
  const {config} = manifest.value
  if (config.size > largestConfig) {
    throw new LimitError(
      'ERR_INJECT_DOCUMENT_TOO_LARGE',
      `the config of ${store.name} is larger than 4 MiB`,
      {expected: largestConfig, found: config.size},
    )
  }
  const configBytes = await readAll(
    await store.openBlob(config, {signal}),
    largestConfig,
    'the image config',
  )
  return decodeImage(manifest, configBytes)
}
