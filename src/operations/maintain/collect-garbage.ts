import {collectGarbage, type GarbageResult} from '../../store/garbage/collect.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import {type GarbagePlan, planGarbage} from '../../store/garbage/plan.js'
import {openRepositoryRoot} from '../../store/served/open-root.js'
import type {Ports} from '../../ports.js'

export interface CollectOptions {
  readonly root: string
  /** Nothing that was used within this time goes, milliseconds; 1 h. */
  readonly graceMs?: number | undefined
  /** Only say what would go. */
  readonly dryRun: boolean
}

/** What was removed, or would be. */
export interface CollectResult {
  readonly root: string
  readonly dryRun: boolean
  readonly repositories: readonly RepositoryCollection[]
  readonly total: GarbageResult
}

/** What was found to go from one repository; of that, what was used meanwhile was spared. */
export interface RepositoryCollection {
  readonly name: string
  readonly manifests: readonly string[]
  readonly blobs: readonly BlobInfo[]
  /**
   * Upload sessions that have expired. Their ids are nobody's business: whoever knows one may write
   * to it.
   */
  readonly uploads: number
  /** All upload sessions that hold something, and their bytes. */
  readonly unfinished: {readonly count: number; readonly bytes: number}
  readonly kept: {readonly referenced: number; readonly leased: number}
  /** Why less goes from this repository than might. */
  readonly problems: readonly string[]
}

type StorePorts = Pick<Ports, 'report' | 'signal'>

/** Removes what nothing refers to from all repositories of a root, also while it is served. */
export async function collectRoot(
  {root: directory, graceMs, dryRun}: CollectOptions,
  {report, signal}: StorePorts,
): Promise<CollectResult> {
  const root = await openRepositoryRoot(directory, {shared: true, served: true})
  try {
    const plan = await planGarbage(root, {graceMs, signal})
    const repositories = collectionsOf(plan, report)
    const total = dryRun ? plannedTotal(plan) : await collectGarbage(plan, {signal})
    return {root: directory, dryRun, repositories, total}
  } finally {
    await root.close()
  }
}

/** A plan for whoever reads the result; what stands in the way is reported as well. */
export function collectionsOf(
  {repositories}: GarbagePlan,
  report: Ports['report'],
): readonly RepositoryCollection[] {
  return repositories.map(({name, manifests, blobs, uploads, unfinished, kept, problems}) => {
    for (const problem of problems) report({kind: 'warning', message: `${name}: ${problem}`})
    return {name, manifests, blobs, uploads: uploads.length, unfinished, kept, problems}
  })
}

/** What a collection does when nobody uses anything meanwhile. */
export function plannedTotal({repositories}: GarbagePlan): GarbageResult {
  const total = {manifests: 0, blobs: 0, bytes: 0, spared: 0}
  for (const {manifests, blobs} of repositories) {
    total.manifests += manifests.length
    total.blobs += blobs.length
    for (const {size} of blobs) total.bytes += size
  }
  return total
}
