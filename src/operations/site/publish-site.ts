import {tagIn} from '../find/tag-in.js'
import {LocalIoError, UsageError} from '../../errors.js'
import {commitToSite, type Committed, type SiteCommit} from '../../site/commit.js'
import {createSiteBlobs} from '../../site/blobs.js'
import {refuseTakenNames} from '../../site/folders.js'
import {withKnownType} from '../../site/media-types.js'
import {createSite} from '../../site/site.js'
import type {PlatformChoice} from '../../image/platforms.js'
import type {Digest} from '../../oci/digest.js'
import {formatReference, type Reference} from '../../oci/names/reference.js'
import type {ContentStore, StoredManifest} from '../../store/content-store.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import {blobReport} from '../find/blob-report.js'
import {copyBlobs, type CopyCounts, noCounts} from '../../store/copy/content.js'
import {type CopyPlan, planCopy} from '../../store/copy/plan.js'
import {parseRepositoryName} from '../../oci/names/repository-name.js'
import {findReferrers, missingReferrer, type Referrers} from '../copy/referrers.js'
import {type CopyRoot, findRoot} from '../copy/roots.js'
import {defaultTag} from '../find/find-document.js'
import type {Ports} from '../../ports.js'
import {refuseAddress} from './target.js'

export interface PublishSiteOptions {
  readonly source: Reference
  /** The folder that a web server serves; created if it does not exist. */
  readonly site: string
  /** The repository in the site; default: that of the source. */
  readonly name?: string | undefined
  /** The tags in the site; default: the source's. */
  readonly tags: readonly string[]
  readonly platforms?: PlatformChoice | undefined
  /** Also publish the artifacts that refer to what is published. */
  readonly referrers: boolean
}

export interface PublishSiteResult {
  /** `SITE/NAME@DIGEST`. */
  readonly reference: string
  readonly digest: Digest
  readonly source: string
  readonly site: string
  readonly name: string
  readonly tags: readonly string[]
  /** The tags that did not name it already. */
  readonly moved: readonly string[]
  /** The chosen platforms, if not everything was published. */
  readonly platforms?: readonly string[]
  /** Manifests and indexes, those below an index and referrers included. */
  readonly manifests: number
  readonly referrers: number
  /** Layers that were not copied, because their `urls` say where to fetch them. */
  readonly foreign: number
  readonly blobs: CopyCounts
}

/** How often to put blobs again that another process removes in the meantime. */
const rounds = 5

/**
 * Puts an image, or an index with everything that belongs to it, into a folder that a plain web
 * server serves as a read-only registry. Content is written before the documents that name it: see
 * `commitToSite`. Throws `UsageError` (`ERR_INJECT_SITE_NAME_NEEDED`), and what `refuseAddress`,
 * `createSite` and `refuseTakenNames` throw.
 */
export async function publishSite(
  options: PublishSiteOptions,
  ports: Ports,
): Promise<PublishSiteResult> {
  const {site, tags: given} = options
  refuseAddress(site)
  const name = nameOf(options)
  const source = await ports.openStore(options.source, {writes: false})
  try {
    const root = await findRoot(source, options.source, options.platforms, ports)
    const tags =
      given.length > 0
        ? [...new Set(given)]
        : [tagIn({kind: 'registry'}, root.tag ?? options.source.tag) ?? defaultTag]
    const {plan, referrers} = await planAll(source, root, options, ports)
    const cosign = referrers?.tagged ?? []
    const manifests = unique([...plan.manifests, root.stored]).map(withKnownType)
    await createSite(site)
    await refuseTakenNames(site, name, [...tags, ...cosign.map(({tag}) => tag)])
    const {digest} = root.stored.descriptor
    const commit: SiteCommit = {
      name,
      manifests,
      blobs: plan.blobs,
      tags: [
        ...cosign.map(({tag, stored}) => ({tag, digest: stored.descriptor.digest, onlyNew: true})),
        ...tags.map((tag) => ({tag, digest})),
      ],
    }
    const counts = noCounts()
    const {moved, kept} = await transfer(source, site, {commit, counts}, ports)
    for (const tag of kept)
      ports.report({
        kind: 'warning',
        message: `tag ${tag} of ${name} is something else: it stays so`,
      })
    return {
      reference: `${site}/${name}@${digest}`,
      digest,
      source: formatReference(options.source),
      site,
      name,
      tags,
      moved: moved.filter((tag) => tags.includes(tag)),
      ...(root.platforms && {platforms: root.platforms}),
      manifests: manifests.length,
      referrers: referrers?.count ?? 0,
      foreign: plan.foreign,
      blobs: counts,
    }
  } finally {
    await source.close()
  }
}

async function planAll(
  source: ContentStore,
  {stored, own}: CopyRoot,
  options: PublishSiteOptions,
  ports: Ports,
): Promise<{plan: CopyPlan; referrers: Referrers | undefined}> {
  const {signal} = ports
  const plan = await planCopy(source, [stored], {signal, own})
  if (!options.referrers) return {plan, referrers: undefined}
  const subjects = [...plan.manifests, stored]
  const referrers = await findReferrers(source, subjects, {
    signal,
    done: new Set(),
    onMissing: missingReferrer(source, ports),
  })
  const blobs = new Map<Digest, CopyPlan['blobs'][number]>()
  for (const blob of [...plan.blobs, ...referrers.plan.blobs]) blobs.set(blob.digest, blob)
  return {
    plan: {
      manifests: [...plan.manifests, ...referrers.plan.manifests],
      blobs: [...blobs.values()],
      foreign: plan.foreign + referrers.plan.foreign,
    },
    referrers,
  }
}

async function transfer(
  source: ContentStore,
  site: string,
  {commit, counts}: {readonly commit: SiteCommit; readonly counts: CopyCounts},
  {report, signal}: Ports,
): Promise<Committed> {
  const target = createSiteBlobs(site, commit.name)
  const place = `${site}/${commit.name}`
  report({kind: 'step', step: 'copy', on: place})
  const total = commit.blobs.reduce((sum, {size}) => sum + size, 0)
  let read = 0
  const onBytes = (bytes: number): void => report({kind: 'bytes', done: (read += bytes), total})
  const onBlob = blobReport(report)
  let wanted: readonly BlobInfo[] = commit.blobs
  for (let round = 0; round < rounds; round++) {
    await copyBlobs(source, target, wanted, {
      ...{progress: {done: new Set(), counts}, signal, onBytes, onBlob},
    })
    report({kind: 'step', step: 'publish', on: place})
    const committed = await commitToSite(site, commit, {signal})
    if (committed.missing.length === 0) return committed
    // an unpublish without a grace period removed them in between
    wanted = committed.missing
  }
  throw new LocalIoError(
    'ERR_INJECT_SITE_BUSY',
    `somebody removes from ${place} what is being published there`,
    {hint: 'run inject unpublish with a grace period'},
  )
}

function nameOf({source, name}: PublishSiteOptions): string {
  if (name !== undefined) return parseRepositoryName(name)
  if (source.kind === 'registry') return source.repository
  const message = 'nothing says what the image is called in the site'
  throw new UsageError('ERR_INJECT_SITE_NAME_NEEDED', message, {
    hint: 'use --repository, as in team/app',
  })
}

function unique(manifests: readonly StoredManifest[]): StoredManifest[] {
  return [...new Map(manifests.map((each) => [each.descriptor.digest, each] as const)).values()]
}
