import {InjectError, PreconditionError} from '../../errors.js'
import type {Fleet} from '../../fleet/fleet.js'
import type {FleetProgress} from '../../fleet/report/progress.js'
import {
  type FleetReport,
  fleetReport,
  type ImageOutcome,
  type Shard,
} from '../../fleet/report/outcome.js'
import type {Digest} from '../../oci/digest.js'
import {formatReference} from '../../oci/names/reference.js'
import type {Ports} from '../../ports.js'
import {createLimiter} from '../../stream/limiter.js'
import {saidOnce} from '../slot/notices.js'
import {applyImage, type ApplyImageOptions, type OpenImage, withImage} from './apply-image.js'
import {expandFleet} from './expand.js'
import {failedEntry, failureOf, interrupted, notStarted} from './failed-images.js'
import {createFleetLayers} from './fleet-layers.js'
import {type FleetImage, tagOf} from './fleet-image.js'
import {createImageKey} from './image-key.js'
import type {FleetJournal, RememberedImage} from './journal.js'
import {openSlots} from './open-slots.js'
import type {Reconciled} from './reconcile.js'
import {sharedMemory} from './shared-memory.js'
import {createSpooledLayers} from './spooled-layers.js'

/** The options of `apply` and `plan`. */
export interface FleetRequest {
  readonly fleet: Fleet
  /** Of the file's bytes. */
  readonly file: Digest
  /** The folder that sources are relative to. */
  readonly folder: string
  /** Seconds since the epoch: see `LayerRequest.created`. */
  readonly created: number | undefined
  /** `plan`: nothing is written. */
  readonly dryRun: boolean
  readonly prune: boolean
  readonly shard: Shard | undefined
  /** How many images are worked on at once. */
  readonly jobs: number
  /** No image is begun after so many failures; `undefined`: all are. */
  readonly maxFailures: number | undefined
}

/** What these operations need beside the ports of others. */
export interface FleetPorts extends Ports {
  readonly progress: FleetProgress
  readonly journal: FleetJournal | undefined
  /** The folder for packed layers. */
  readonly temporary: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Called with what is known of an interrupted run, before the interruption is thrown. */
  readonly onInterrupted?: ((report: FleetReport) => void) | undefined
}

/**
 * Makes all images of a fleet what its file says, or with `dryRun` finds out what that would
 * change. Layers are packed once and sent once to each registry. What is right already is left
 * alone; a failure of one image does not stop the others, and each is named in the report.
 */
export async function applyFleet(request: FleetRequest, ports: FleetPorts): Promise<FleetReport> {
  let requests = 0
  const counting = countingPorts(quietPorts(ports), () => requests++)
  const {fleet, folder} = request
  const {temporary, now} = ports
  const open = await openSlots({fleet, folder, temporary, now: now()}, counting)
  try {
    return await applySlots({...request, openSlots: open.slots}, counting, () => requests)
  } finally {
    await open.close()
  }
}

async function applySlots(
  request: FleetRequest & Pick<ApplyImageOptions, 'openSlots'>,
  ports: FleetPorts,
  requests: () => number,
): Promise<FleetReport> {
  const {fleet, shard, prune, dryRun} = request
  const {journal, progress, now, temporary} = ports
  const started = now()
  const remembered = journal?.images().map(({image}) => image) ?? []
  const {images, failures} = await expandFleet({fleet, shard, prune, remembered}, ports)
  progress.expected(images.length + failures.length)
  const spool = createSpooledLayers(temporary)
  const layers = createFleetLayers({
    ...{spool, dryRun, remembered: journal?.places() ?? []},
    onStored: (place) => void journal?.remember(place),
  })
  const outcomes: ImageOutcome[] = failures.map((failure) => failedEntry(failure))
  outcomes.forEach((outcome) => progress.finished(outcome))
  const onBytes = (bytes: number): void => progress.bytes(bytes)
  const run = createRun({...request, temporary, name: fleet.name, layers, onBytes}, ports)
  let failed = outcomes.length
  const limiter = createLimiter(request.jobs)
  const workOn = async (image: FleetImage): Promise<void> => {
    if (ports.signal.aborted) {
      outcomes.push(interrupted(image, 'not-started'))
      return
    }
    const isOver = request.maxFailures !== undefined && failed >= request.maxFailures
    if (!isOver) progress.started(formatReference(image.source))
    const outcome = isOver ? notStarted(image, failed) : await settled(image)
    if (!outcome) return
    if (outcome.status === 'failed' || outcome.status === 'unknown') failed++
    outcomes.push(outcome)
    progress.finished(outcome)
  }
  /** What was begun and is interrupted may have moved its tag. */
  const settled = async (image: FleetImage): Promise<ImageOutcome | undefined> => {
    try {
      return await run(image)
    } catch (error) {
      if (!ports.signal.aborted) throw error
      return interrupted(image, 'unknown')
    }
  }
  try {
    await Promise.all(images.map((image) => limiter.run(() => workOn(image))))
  } finally {
    await spool.close()
    await journal?.close()
  }
  const sum = (key: 'bytesSent' | 'bytesMounted') =>
    outcomes.reduce((total, outcome) => total + outcome[key], 0)
  const report = fleetReport({
    ...{fleet: fleet.name, file: request.file, dryRun, shard: shard ?? null, outcomes},
    version: ports.version ?? '',
    started: new Date(started).toISOString(),
    finished: new Date(now()).toISOString(),
    costs: {
      layersPacked: spool.packed(),
      bytesSent: sum('bytesSent'),
      bytesMounted: sum('bytesMounted'),
      requests: requests(),
    },
  })
  if (ports.signal.aborted) ports.onInterrupted?.(report)
  ports.signal.throwIfAborted()
  return report
}

/** Notices and steps of a thousand images say nothing; a warning is shown once. */
function quietPorts(ports: FleetPorts): FleetPorts {
  const {openMemory} = ports
  const once = saidOnce(ports)
  return {
    ...ports,
    ...(openMemory && {openMemory: sharedMemory(openMemory)}),
    report: (event) => (event.kind === 'warning' ? once.report(event) : undefined),
  }
}

/** Ports whose stores count their requests. */
function countingPorts<P extends Ports>(ports: P, count: () => void): P {
  const openStore: Ports['openStore'] = (reference, options) => {
    const onRequest = (): void => {
      count()
      options.onRequest?.()
    }
    return ports.openStore(reference, {...options, onRequest})
  }
  return {...ports, openStore}
}

type RunOptions = FleetRequest & Omit<ApplyImageOptions, 'costs'>

/** What is done for one image; `undefined` for one that is not of the fleet at all. */
function createRun(
  request: RunOptions,
  ports: FleetPorts,
): (image: FleetImage) => Promise<ImageOutcome | undefined> {
  const {now, journal} = ports
  const {dryRun} = request
  const keyOf = createImageKey(request, ports)
  return async (image) => {
    const since = now()
    const costs = {bytesSent: 0, bytesMounted: 0, requests: 0}
    const own = countingPorts(ports, () => costs.requests++)
    const onBytes = (bytes: number): void => {
      costs.bytesSent += bytes
      request.onBytes(bytes)
    }
    const outcome = (
      rest: Pick<ImageOutcome, 'status' | 'before' | 'after'> & Partial<ImageOutcome>,
    ) => ({
      ...{reference: formatReference(image.source), target: formatReference(image.target)},
      ...{reason: null, code: null, nextStep: null},
      ...rest,
      ...costs,
      seconds: (now() - since) / 1000,
    })
    try {
      return await withImage(image, {dryRun, onBytes}, own, async (open) => {
        const key = await keyOf(image)
        const known = journal?.imageAt(formatReference(image.target))
        if (known && known.key === key && (await isAsBefore(open, image, known, own))) {
          const {target: digest} = known
          return outcome({status: 'unchanged', before: digest, after: digest})
        }
        const result = await applyImage(open, image, {...request, costs}, own)
        if (image.slots.length === 0 && result.status === 'unchanged') {
          journal?.forget(formatReference(image.target))
          return undefined
        }
        if (!dryRun) await rememberResult(journal, {image, key, result, open})
        const {before, after} = result
        return outcome({before, after, ...described(request, result)})
      })
    } catch (error) {
      if (!(error instanceof InjectError)) throw error
      // what is looked at only to remove slots need not be an image
      if (image.slots.length === 0 && error instanceof PreconditionError) return undefined
      return outcome({before: null, after: null, ...failureOf(error)})
    }
  }
}

/** Whether both tags name what they named after an earlier run: one request for each. */
async function isAsBefore(
  {real, source, isInPlace}: OpenImage,
  {source: vendor, target, rules}: FleetImage,
  known: RememberedImage,
  {signal}: Ports,
): Promise<boolean> {
  if ((await real.statManifest(tagOf(target), {signal})) !== known.target) return false
  if (isInPlace || rules.base === 'pin') return true
  return (await source.statManifest(tagOf(vendor), {signal})) === known.source
}

interface Finished {
  readonly image: FleetImage
  readonly key: string | undefined
  readonly result: Reconciled
  readonly open: OpenImage
}

async function rememberResult(
  journal: FleetJournal | undefined,
  {image: {target}, key, result, open}: Finished,
): Promise<void> {
  // an image in place that follows another one has a vendor that the journal does not know
  if (key === undefined || (open.isInPlace && result.vendor !== undefined)) return
  const {vendor: source = null, after} = result
  await journal?.remember({image: formatReference(target), key, source, target: after})
}

/** What is said of a result. */
function described(
  {dryRun}: {readonly dryRun: boolean},
  from: Reconciled,
): Pick<ImageOutcome, 'status' | 'reason' | 'code' | 'nextStep'> {
  const {status, stale, isAttested} = from
  const planned = {
    updated: 'would-update',
    rebased: 'would-rebase',
    removed: 'would-remove',
  } as const
  const shown = dryRun && status !== 'unchanged' ? planned[status] : status
  const notes = [
    stale.length > 0 ? `the fleet file no longer has ${stale.join(', ')}` : '',
    isAttested && status === 'unchanged' ? said(dryRun) : '',
  ].filter(Boolean)
  return {
    status: shown,
    reason: notes.length > 0 ? notes.join('; ') : null,
    code: null,
    nextStep: stale.length > 0 ? 'use --prune to remove it' : null,
  }
}

function said(dryRun: boolean): string {
  return dryRun ? 'a statement about it would be attached' : 'a statement about it was attached'
}
