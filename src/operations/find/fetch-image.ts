import {LimitError} from '../../errors.js'
import {decodeImage, type Encoded, encodedManifest, type Image} from '../../image/image.js'
import type {Manifest} from '../../oci/manifest.js'
import {readAll} from '../../stream/limit.js'
import type {ContentStore} from '../../store/content-store.js'

/** Configs are small; a larger one is not read. */
const largestConfig = 4 * 1024 * 1024

/** Manifest and config of what a tag or digest names; `undefined` when it names nothing. */
export async function fetchImage(
  store: ContentStore,
  name: string,
  signal: AbortSignal,
): Promise<Image | undefined> {
  const stored = await store.getManifest(name, {signal})
  return stored && imageOf(store, encodedManifest(stored), signal)
}

/** The image of a manifest that was read and decoded already. */
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
