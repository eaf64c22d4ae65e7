import {randomInt} from 'node:crypto'
import {setTimeout as sleep} from 'node:timers/promises'
import {NotFoundError} from '../../errors.js'
import {formatReference, type Reference, repositoryName} from '../../oci/names/reference.js'
import type {Ports} from '../../ports.js'
import type {ContentStore} from '../../store/content-store.js'
import {createTargetStore} from '../../store/copy/target-store.js'
import {isSamePlace, mountableFrom} from '../copy/places.js'
import type {FleetImage} from './fleet-image.js'
import type {FleetLayers, LayerPlace} from './fleet-layers.js'
import type {ImagePlace} from './image-place.js'
import {isMoved, type Reconciled, reconcile} from './reconcile.js'
import type {FleetSettings} from './slot-request.js'
import {createStagedStore} from './staged-store.js'

/** When others move the tag again and again: how often an image is begun. */
const mostRounds = 10
/** Milliseconds; multiplied by the number of the round. */
const longestPause = 200

export interface ApplyImageOptions extends FleetSettings {
  readonly prune: boolean
  readonly dryRun: boolean
  readonly layers: FleetLayers
  /** Sums up what is done for the image. */
  readonly costs: LayerPlace['costs']
  readonly onBytes: (bytes: number) => void
}

/** The stores of one image, as long as it is worked on. */
export interface OpenImage {
  readonly real: ContentStore
  readonly source: ContentStore
  readonly isInPlace: boolean
}

/**
 * Opens where an image is and where its result goes, and closes both afterwards. `onBytes` is
 * called with bytes that are copied from one to the other.
 */
export async function withImage<T>(
  {source, target}: FleetImage,
  {dryRun, onBytes}: {readonly dryRun: boolean; readonly onBytes: (bytes: number) => void},
  ports: Ports,
  work: (open: OpenImage) => Promise<T>,
): Promise<T> {
  const isInPlace = formatReference(source) === formatReference(target)
  const written = await ports.openStore(target, {writes: !dryRun})
  try {
    if (isInPlace || isSamePlace(source, target))
      return await work({real: written, source: written, isInPlace})
    const read = await ports.openStore(source, {writes: false})
    try {
      const mountFrom = mountableFrom(source, target)
      const real = createTargetStore(read, written, {mountFrom, onBytes})
      return await work({real, source: read, isInPlace})
    } finally {
      await read.close()
    }
  } finally {
    await written.close()
  }
}

/**
 * Makes one image what the fleet says. When its tag is moved meanwhile, the work starts again from
 * what is there then; so nothing that another run did is lost. Throws what `reconcile` throws.
 */
export async function applyImage(
  open: OpenImage,
  image: FleetImage,
  options: ApplyImageOptions,
  ports: Ports,
): Promise<Reconciled> {
  let isTrusting = true
  for (let round = 1; ; round++) {
    try {
      return await attempt(open, image, {...options, isTrusting}, ports)
    } catch (error) {
      // a registry that has lost a blob of what it names is asked for each of them
      const isLost = isTrusting && isBlobUnknown(error)
      if (isLost) isTrusting = false
      else if (!isMoved(error) || round >= mostRounds) throw error
      await sleep(randomInt(longestPause * round), undefined, {signal: ports.signal})
    }
  }
}

async function attempt(
  {real, source, isInPlace}: OpenImage,
  image: FleetImage,
  {isTrusting, ...options}: ApplyImageOptions & {readonly isTrusting: boolean},
  ports: Ports,
): Promise<Reconciled> {
  const {layers, costs, onBytes, dryRun} = options
  const staged = createStagedStore(real, {dryRun, isTrusting})
  const place: ImagePlace = {real, staged, source, isInPlace}
  const layerPlace = {...placeOf(image.target), store: real, costs, onBytes}
  const onSent = (bytes: number): void => {
    costs.bytesSent += bytes
    onBytes(bytes)
  }
  const layersOf: Parameters<typeof reconcile>[2]['layersOf'] = ({name, parents}) =>
    layers.at(layerPlace, `${name} ${parents}`)
  const onHeld: Parameters<typeof reconcile>[2]['onHeld'] = (digest) =>
    layers.note({...placeOf(image.target), digest})
  return reconcile(place, image, {...options, onSent, onHeld, layersOf}, ports)
}

/** A place on disk is a registry of one repository. */
function placeOf(target: Reference): Pick<LayerPlace, 'registry' | 'repository'> {
  if (target.kind === 'registry') return target
  return {registry: repositoryName(target), repository: ''}
}

function isBlobUnknown(error: unknown): boolean {
  return (
    error instanceof NotFoundError &&
    ['ERR_INJECT_MANIFEST_BLOB_UNKNOWN', 'ERR_INJECT_BLOB_NOT_FOUND'].includes(error.code)
  )
}
