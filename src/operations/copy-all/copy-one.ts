import {monotonicTime} from '../../disk/clock.js'
import {InjectError} from '../../errors.js'
import type {ImageOutcome} from '../../fleet/report/outcome.js'
import type {FleetProgress} from '../../fleet/report/progress.js'
import type {Ports} from '../../ports.js'
import {copy, type CopyResult} from '../copy/copy.js'
import {portsOfImage} from '../fleet-report/progress.js'
import type {BlobPlaces} from './blob-places.js'
import type {LookedAt} from './look-at.js'
import {nameInTarget} from './image-names.js'
import type {CopyPlaces} from './open-places.js'
import {failedOutcome} from './outcomes.js'
import {createPlacedStore, createPlannedStore} from './placed-store.js'
import type {CopyAllOptions} from './request.js'

/** What the copies of a run share. */
export interface CopyRun {
  readonly options: CopyAllOptions
  readonly places: CopyPlaces
  readonly blobs: BlobPlaces
  readonly progress: FleetProgress
}

/** Copies one image as `copy` does. What goes wrong is its outcome. */
export async function copyOne(looked: LookedAt, run: CopyRun, ports: Ports): Promise<ImageOutcome> {
  const {image, before = null} = looked
  const {options, progress} = run
  const {reference, targetName: target} = image
  const bytes = {sent: 0, mounted: 0}
  const since = monotonicTime()
  const measured = () => ({
    bytesSent: bytes.sent,
    bytesMounted: bytes.mounted,
    requests: 0,
    seconds: (monotonicTime() - since) / 1000,
  })
  try {
    const {platforms, referrers, noClobber, dryRun, chunkSize} = options
    const result = await copy(
      {
        source: image.source,
        target: image.target,
        tags: [],
        allTags: false,
        ...{platforms, referrers, noClobber, dryRun, chunkSize},
      },
      await portsOf(image.repository, run, {
        ports: portsOfImage(ports, reference),
        bytes,
        onBytes: (count) => progress.bytes(count),
      }),
    )
    if (dryRun) bytes.sent = result.blobs.bytes
    return {
      ...{reference, target, status: statusOf(result), before, after: result.digest},
      ...measured(),
      ...{reason: null, code: null, nextStep: null},
    }
  } catch (error) {
    if (!(error instanceof InjectError)) throw error
    return {...failedOutcome(image, error), before, ...measured()}
  }
}

function statusOf({copied, blobs, dryRun}: CopyResult): ImageOutcome['status'] {
  const isSame = copied.every(({tags}) => tags.length === 0) && blobs.copied + blobs.mounted === 0
  if (isSame) return 'unchanged'
  return dryRun ? 'would-copy' : 'copied'
}

/** Ports whose stores are those of the run. */
async function portsOf(
  repository: string,
  {options, places, blobs}: CopyRun,
  {
    ports,
    bytes,
    onBytes,
  }: {
    readonly ports: Ports
    readonly bytes: {sent: number; mounted: number}
    readonly onBytes: (count: number) => void
  },
): Promise<Ports> {
  const source = await places.source(repository)
  const real = await places.target(repository)
  const name = nameInTarget(options, repository)
  const target = options.dryRun
    ? createPlannedStore(real, blobs)
    : createPlacedStore(real, {repository: name, places: blobs, bytes, onBytes})
  return {
    ...ports,
    openStore: (reference) =>
      Promise.resolve(
        reference.kind === 'registry' &&
          reference.registry === options.from.registry &&
          reference.repository === repository
          ? {...source, close: () => Promise.resolve()}
          : target,
      ),
  }
}
