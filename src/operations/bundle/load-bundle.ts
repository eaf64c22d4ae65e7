import {type Bundle, type BundledImage, openBundle} from '../../archive/bundle/open-bundle.js'
import {algorithmOf, type Digest} from '../../oci/digest.js'
import type {Reference} from '../../oci/names/reference.js'
import type {Ports} from '../../ports.js'
import type {ContentStore, TagMove} from '../../store/content-store.js'
import {
  copyBlobs,
  copyContent,
  type CopyContentOptions,
  type CopyCounts,
  noCounts,
} from '../../store/copy/content.js'
import {blobReport} from '../find/blob-report.js'
import {type CopyPlan, planCopy} from '../../store/copy/plan.js'
import {outstanding, planTagMoves} from '../publish/tag-moves.js'
import {type BundlePlace, formatBundlePlace} from './bundle-place.js'
import {type BundleTarget, type Destination, openBundleTarget} from './bundle-target.js'
import {findNeeded, type FoundBlobs} from './find-blobs.js'
import {missingLink} from './missing-link.js'
import {withRepositories} from './with-repositories.js'

export interface LoadOptions {
  readonly file: string
  readonly to: BundlePlace
  /** Only check that the bundle fits. */
  readonly dryRun: boolean
  /**
   * Whether blobs that the bundle needs can come from any repository of the place, and not only
   * from the one that their image goes to.
   */
  readonly mounts: boolean
  /** Where a compressed bundle is unpacked to. */
  readonly temporary: string
}

/** What a load did, for those who sent the bundle. */
export interface LoadReceipt {
  readonly file: string
  /** The bundle's ID, as `save` printed it. */
  readonly bundle: Digest
  readonly to: string
  readonly images: readonly {
    /** `repository@digest` where it is now. */
    readonly reference: string
    readonly digest: Digest
    /** Tags that name the image now; in a dry run, would. */
    readonly tags: readonly string[]
    /** Those of them that were elsewhere before, and where; `null`: the tag is new. */
    readonly moved: readonly {readonly tag: string; readonly from: Digest | null}[]
  }[]
  /** In a dry run, `copied` is what the bundle holds of what the place lacks. */
  readonly blobs: CopyCounts
  readonly dryRun: boolean
}

/** Images that go into one repository. */
interface Shipment {
  readonly repository: string
  readonly store: ContentStore
  readonly images: {image: BundledImage; to: Destination; moves: TagMove[]}[]
  readonly plan: CopyPlan
  readonly found: FoundBlobs
}

/**
 * Brings what a bundle holds into a place. First everything that the bundle needs is looked for,
 * then all content is brought and checked on the way, and then the tags move, each if it is still
 * where it was. Run again, it goes on. Throws `PreconditionError`
 * (`ERR_INJECT_BUNDLE_LINK_MISSING`) before anything is written, and what `openBundle` throws.
 */
export async function loadBundle(options: LoadOptions, ports: Ports): Promise<LoadReceipt> {
  const {signal} = ports
  const bundle = await openBundle(options.file, {signal, temporary: options.temporary})
  try {
    const target = await openBundleTarget(options.to, options, ports)
    try {
      return await load(bundle, target, options, ports)
    } finally {
      await target.close()
    }
  } finally {
    await bundle.close()
  }
}

async function load(
  bundle: Bundle,
  target: BundleTarget,
  {file, to, dryRun, mounts}: LoadOptions,
  ports: Ports,
): Promise<LoadReceipt> {
  const {report, signal} = ports
  const where = formatBundlePlace(to)
  report({kind: 'step', step: 'check', on: where})
  const shipments = await planShipments(bundle, target, {mounts, signal})
  const missing = new Map(
    shipments.flatMap(({found}) => found.missing.map((blob) => [blob.digest, blob] as const)),
  )
  if (missing.size > 0) throw missingLink(bundle, [...missing.values()], {where, mounts})

  report({kind: 'step', step: 'copy', on: where})
  const counts = noCounts()
  let read = 0
  const onBytes = (bytes: number): void => report({kind: 'bytes', done: (read += bytes)})
  const onBlob = blobReport(report)
  for (const shipment of shipments)
    await (dryRun
      ? countBlobs(shipment, counts, signal)
      : bring(bundle, shipment, target, {counts, onBytes, onBlob, signal}))

  if (!dryRun) report({kind: 'step', step: 'publish', on: where})
  const images = []
  for (const shipment of shipments)
    for (const image of shipment.images)
      images.push(await publish(shipment.store, image, dryRun, signal))
  return {file, bundle: bundle.id, to: where, images, blobs: counts, dryRun}
}

async function planShipments(
  bundle: Bundle,
  target: BundleTarget,
  {mounts, signal}: {readonly mounts: boolean; readonly signal: AbortSignal},
): Promise<Shipment[]> {
  const byRepository = new Map<string, {image: BundledImage; to: Destination}[]>()
  for (const image of bundle.images) {
    const names = image.names.length > 0 ? image.names : [undefined]
    for (const name of names) {
      const to = target.destination(name, image.stored.descriptor.digest)
      const others = byRepository.get(to.repository) ?? []
      byRepository.set(to.repository, [...others, {image, to}])
    }
  }
  const shipments: Shipment[] = []
  for (const [repository, images] of byRepository) {
    const stored = images.map(({image}) => image.stored)
    const plan = await planCopy(bundle.store, stored, {signal})
    const found = await findNeeded(bundle, {blobs: plan.blobs, repository, mounts}, target, signal)
    const store = await target.open(repository)
    const planned = []
    for (const {image, to} of images)
      planned.push({image, to, moves: await movesOf(store, image, to, signal)})
    shipments.push({repository, store, plan, found, images: planned})
  }
  return shipments
}

async function movesOf(
  store: ContentStore,
  {stored}: BundledImage,
  {tag, repository}: Destination,
  signal: AbortSignal,
): Promise<TagMove[]> {
  if (tag === undefined) return []
  const reference: Reference = {kind: 'registry', registry: '', repository, tag}
  const from = {digest: stored.descriptor.digest, tag: undefined}
  return planTagMoves(store, {reference, tags: [tag], from}, signal)
}

/** Blobs and manifests, without tags. */
async function bring(
  bundle: Bundle,
  {repository, store, plan, found: {elsewhere}}: Shipment,
  target: BundleTarget,
  {counts, ...how}: Omit<CopyContentOptions, 'progress'> & {readonly counts: CopyCounts},
): Promise<void> {
  const source = withRepositories(bundle.store, elsewhere, target)
  const progress = {done: new Set<Digest>(), counts}
  const options = {progress, ...how}
  const linked = new Set<Digest>()
  for (const blob of plan.blobs) {
    const from = elsewhere.get(blob.digest)
    if (from === undefined) continue
    linked.add(blob.digest)
    if (await target.link(blob.digest, from, repository)) {
      counts.mounted++
      counts.saved += blob.size
    } else await copyBlobs(source, store, [blob], {...options, mountFrom: [from]})
  }
  const blobs = plan.blobs.filter(({digest}) => !linked.has(digest))
  await copyContent(source, store, {...plan, blobs}, options)
}

async function countBlobs(
  {store, plan, found: {elsewhere}}: Shipment,
  counts: CopyCounts,
  signal: AbortSignal,
): Promise<void> {
  for (const {digest, size} of plan.blobs) {
    const kind = elsewhere.has(digest)
      ? 'mounted'
      : (await store.statBlob(digest, {signal}))
        ? 'present'
        : 'copied'
    counts[kind]++
    counts[kind === 'copied' ? 'bytes' : 'saved'] += size
  }
}

async function publish(
  store: ContentStore,
  {image: {stored}, to, moves}: Shipment['images'][number],
  dryRun: boolean,
  signal: AbortSignal,
): Promise<LoadReceipt['images'][number]> {
  const {bytes, descriptor} = stored
  const {digest, mediaType} = descriptor
  const tags = outstanding(moves, digest)
  const isThere = moves.length > 0 && tags.length === 0
  if (!dryRun && !isThere)
    await store.putManifest(bytes, mediaType, {tags, algorithm: algorithmOf(digest), signal})
  return {
    reference: `${to.name}@${digest}`,
    digest,
    tags: moves.map(({tag}) => tag),
    moved: tags.map(({tag, from}) => ({
      tag,
      from: from === undefined || from === 'absent' ? null : from,
    })),
  }
}
