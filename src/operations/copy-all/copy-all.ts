import {type FleetReport, fleetReport, type ImageOutcome} from '../../fleet/report/outcome.js'
import {formatRegistryPrefix} from '../../oci/names/registry-prefix.js'
import type {Ports} from '../../ports.js'
import {planCopy} from '../../store/copy/plan.js'
import {inLanes} from '../../stream/in-lanes.js'
import {unlessFailed, UsageError} from '../../errors.js'
import {fleetProgress} from '../fleet-report/progress.js'
import {type BlobPlaces, createBlobPlaces} from './blob-places.js'
import {copyOne} from './copy-one.js'
import {type ImageName, nameInTarget, repositoryNames} from './image-names.js'
import {listImages} from './list-images.js'
import {type LookedAt, lookAt} from './look-at.js'
import {createNameFilter} from './name-filter.js'
import {type CopyPlaces, openPlaces} from './open-places.js'
import {failedOutcome, unchangedOutcome} from './outcomes.js'
import type {CopyAllOptions} from './request.js'

/** Images that are looked at at once; a host is sent at most six requests at a time. */
const looksAtOnce = 12

/**
 * Copies every repository and tag of a registry to another one, byte for byte. A tag that names the
 * same there costs one HEAD on each side. A blob goes over the wire once, and is mounted in other
 * repositories of the target. An image that fails does not stop the others. After an interruption
 * the same call goes on. Throws `UsageError`, and what listing the repositories throws.
 */
export async function copyAll(options: CopyAllOptions, ports: Ports): Promise<FleetReport> {
  const fleet = `${formatRegistryPrefix(options.from)} to ${formatRegistryPrefix(options.to)}`
  refuseSamePlace(options)
  const filter = createNameFilter(options)
  const started = new Date().toISOString()
  const places = openPlaces(options, ports)
  try {
    ports.report({kind: 'step', step: 'read image', on: formatRegistryPrefix(options.from)})
    const found = await listImages(options, filter, places, ports.signal)
    const outcomes = await copyImages(options, found, places, ports)
    const sums = {bytesSent: 0, bytesMounted: 0}
    for (const {bytesSent, bytesMounted} of outcomes) {
      sums.bytesSent += bytesSent
      sums.bytesMounted += bytesMounted
    }
    return fleetReport({
      ...{fleet, file: null, shard: null, dryRun: options.dryRun, outcomes},
      version: ports.version ?? 'unknown',
      started,
      finished: new Date().toISOString(),
      costs: {layersPacked: 0, ...sums, requests: places.requests()},
    })
  } finally {
    await places.close()
  }
}

async function copyImages(
  options: CopyAllOptions,
  {images, failures}: Awaited<ReturnType<typeof listImages>>,
  places: CopyPlaces,
  ports: Ports,
): Promise<ImageOutcome[]> {
  const {signal} = ports
  const progress = fleetProgress(ports.report)
  const outcomes: ImageOutcome[] = []
  const finish = (outcome: ImageOutcome): void => {
    outcomes.push(outcome)
    progress.finished(outcome)
  }
  progress.expected(images.length + failures.length)
  for (const {repository, error} of failures)
    finish(failedOutcome(repositoryNames(options, repository), error))

  const same: LookedAt[] = []
  const others: LookedAt[] = []
  const look = async (image: ImageName): Promise<void> => {
    const looked = await lookAt(image, places, options, signal)
    if (looked.kind === 'failed') finish(looked.outcome)
    else if (looked.isSame) {
      same.push(looked)
      finish(unchangedOutcome(image, looked.digest))
    } else others.push(looked)
  }
  await inLanes(images, look, {width: looksAtOnce, signal})

  const lookIntoSame = (add: BlobPlaces['add']): Promise<void> =>
    lookInto(same, {options, places, add}, signal)
  const blobs = createBlobPlaces(same.length === 0 ? undefined : lookIntoSame)
  ports.report({kind: 'step', step: 'copy images', on: formatRegistryPrefix(options.to)})
  const copyNext = async (looked: LookedAt): Promise<void> => {
    progress.started(looked.image.reference)
    finish(await copyOne(looked, {options, places, blobs, progress}, ports))
  }
  await inLanes(others, copyNext, {width: options.jobs, signal})
  return outcomes
}

/** Tells of the blobs of images that are in the target already. What fails here is not missed. */
async function lookInto(
  same: readonly LookedAt[],
  {
    options,
    places,
    add,
  }: {
    readonly options: CopyAllOptions
    readonly places: CopyPlaces
    readonly add: BlobPlaces['add']
  },
  signal: AbortSignal,
): Promise<void> {
  const seen = new Set<string>()
  const look = async ({image: {repository}, digest}: LookedAt): Promise<void> => {
    const key = `${repository}@${digest}`
    if (seen.has(key)) return
    seen.add(key)
    await unlessFailed(async () => {
      const source = await places.source(repository)
      const stored = await source.getManifest(digest, {signal})
      if (!stored) return
      const {blobs} = await planCopy(source, [stored], {signal})
      for (const blob of blobs) add(nameInTarget(options, repository), blob.digest)
    })
  }
  await inLanes(same, look, {width: looksAtOnce, signal})
}

function refuseSamePlace({from, to}: CopyAllOptions): void {
  if (from.registry !== to.registry || from.path !== to.path) return
  throw new UsageError('ERR_INJECT_SAME_PLACE', 'source and target are the same place', {
    hint: 'name another registry, or another path in it',
  })
}
