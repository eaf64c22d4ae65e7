import type {Image} from '../../image/image.js'
import {formatPlatform, matchesPlatform, type Platform} from '../../oci/platform.js'
import {formatReference, type Reference} from '../../oci/names/reference.js'
import type {ContentStore} from '../../store/content-store.js'
import type {Ports} from '../../ports.js'
import type {FoundDocument} from './find-document.js'
import {loadFound} from './load-image.js'
import {loadIndex} from './load-index.js'

/** Which image of a document is meant. */
export interface OneImage {
  readonly reference: Reference
  /** Which image of an index; a single image must match it, too. */
  readonly platform?: Platform | undefined
  /** The platform of the machine: the default if there are several images. */
  readonly machine?: Platform | undefined
}

/**
 * One image: of an index the one for the requested platform, else the machine's, which is reported
 * together with what is done to it (`unpacking`). Throws what `loadFound` throws.
 */
export async function loadForMachine(
  store: ContentStore,
  {reference, platform, machine}: OneImage,
  {document, doing}: {readonly document: FoundDocument; readonly doing: string},
  {report, signal}: Pick<Ports, 'report' | 'signal'>,
): Promise<Image> {
  const what = formatReference(reference)
  const load = (platforms: readonly Platform[] | undefined): Promise<Image> =>
    loadFound(store, document, {what, platforms}, signal)
  if (platform !== undefined) return load([platform])
  if (document.kind === 'image') return load(undefined)
  const {images} = await loadIndex(store, document.index, signal)
  if (machine === undefined || !images.some((each) => matchesPlatform(machine, each.platform)))
    return load(undefined)
  const message = `an index of several platforms: ${doing} ${formatPlatform(machine)}, as this machine is; --platform chooses another`
  report({kind: 'notice', message})
  return load([machine])
}
