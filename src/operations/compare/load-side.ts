import {NotFoundError} from '../../errors.js'
import type {Image} from '../../image/image.js'
import {artifactEntries} from '../../image/index/index-tree.js'
import type {PlatformChoice} from '../../image/platforms.js'
import {descriptorOf} from '../../image/document.js'
import type {Digest} from '../../oci/digest.js'
import {formatPlatform, matchesPlatform, type Platform, platformOf} from '../../oci/platform.js'
import {formatReference, repositoryName, type Reference} from '../../oci/names/reference.js'
import type {ContentStore} from '../../store/content-store.js'
import type {Ports} from '../../ports.js'
import {fetchImage, imageOf} from '../find/fetch-image.js'
import {findDocument} from '../find/find-document.js'
import {loadIndex, unlessArtifact} from '../find/load-index.js'
import {reportOddities} from '../find/report-oddities.js'

/** An image of one side, loaded when it is needed. */
export interface SideImage {
  readonly platform: Platform
  readonly digest: Digest
  /** `undefined` for an artifact that looked like an image. Throws `NotFoundError`. */
  load(): Promise<Image | undefined>
}

/** Everything that a reference names. */
export interface LoadedSide {
  readonly store: ContentStore
  /** `repository@digest`. */
  readonly name: string
  readonly digest: Digest
  readonly isIndex: boolean
  readonly images: readonly SideImage[]
  /** Entries of the index that are not images. */
  readonly artifacts: readonly Digest[]
  /** Of the index. */
  readonly annotations: Readonly<Record<string, string>>
}

/**
 * Reads the document; of an index no image yet. `platforms` leaves others out. Throws what
 * `findDocument` and `loadIndex` throw.
 */
export async function loadSide(
  store: ContentStore,
  reference: Reference,
  platforms: PlatformChoice | undefined,
  ports: Ports,
): Promise<LoadedSide> {
  const {signal} = ports
  const found = await findDocument(store, reference, ports)
  const {digest} = descriptorOf(found)
  const common = {store, digest, name: `${repositoryName(reference)}@${digest}`}
  if (found.kind === 'image') {
    const image = await imageOf(store, found.manifest, signal)
    reportOddities(image, ports)
    const platform = platformOf(image.config.value)
    const images = [{platform, digest, load: () => Promise.resolve(image)}]
    return {
      ...common,
      isIndex: false,
      images: chosen(images, platforms),
      artifacts: [],
      annotations: {},
    }
  }
  const {tree, images, artifacts} = await loadIndex(store, found.index, signal)
  const loadable = images.map(({entry, platform}): SideImage => ({
    platform,
    digest: entry.digest,
    async load() {
      const image = await unlessArtifact(() => fetchImage(store, entry.digest, signal))
      if (image === undefined) throw notThere(entry.digest, platform, reference)
      if (image === 'artifact') return undefined
      reportOddities(image, ports)
      return image
    },
  }))
  return {
    ...common,
    isIndex: true,
    images: chosen(loadable, platforms),
    artifacts: [...artifactEntries(tree), ...artifacts].map((entry) => entry.digest),
    annotations: found.index.value.annotations ?? {},
  }
}

function chosen<T extends {readonly platform: Platform}>(
  images: readonly T[],
  choice: PlatformChoice | undefined,
): readonly T[] {
  if (choice === undefined || choice === 'all') return images
  return images.filter(({platform}) => choice.some((each) => matchesPlatform(each, platform)))
}

/** Images of both sides that are for the same platform, in the order of the first side. */
export interface ImagePair {
  readonly first: SideImage | undefined
  readonly second: SideImage | undefined
}

/**
 * Two single images are always a pair. Throws `NotFoundError` (`ERR_INJECT_PLATFORM_NOT_FOUND`)
 * when neither side has an image.
 */
export function pairImages(first: LoadedSide, second: LoadedSide): readonly ImagePair[] {
  const [one] = first.images
  const [other] = second.images
  if (!one && !other) {
    throw new NotFoundError(
      'ERR_INJECT_PLATFORM_NOT_FOUND',
      `neither ${first.name} nor ${second.name} has an image for that platform`,
      {hint: 'inject inspect lists the platforms'},
    )
  }
  if (!first.isIndex && !second.isIndex) return [{first: one, second: other}]
  const left = [...second.images]
  const pairs = first.images.map((image): ImagePair => {
    const at = left.findIndex(({platform}) => matchesPlatform(image.platform, platform))
    return {first: image, second: at < 0 ? undefined : left.splice(at, 1)[0]}
  })
  return [...pairs, ...left.map((image) => ({first: undefined, second: image}))]
}

function notThere(digest: Digest, platform: Platform, reference: Reference): NotFoundError {
  return new NotFoundError(
    'ERR_INJECT_IMAGE_NOT_FOUND',
    `the image for ${formatPlatform(platform)} of ${formatReference(reference)} is not in the repository: ${digest}`,
    {hint: 'choose others with --platform'},
  )
}
