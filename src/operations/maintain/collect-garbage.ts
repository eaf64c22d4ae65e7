import {collectGarbage, type GarbageResult} from '../../store/garbage/collect.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import {type GarbagePlan, planGarbage} from '../../store/garbage/plan.js'
import {openRepositoryRoot} from '../../store/served/open-root.js'
import type {Ports} from '../../ports.js'

export interface CollectOptions {
  readonly root: string
  /** Content used within this time stays, milliseconds; 1 h. */
  readonly graceMs?: number | undefined
  /** Only report what would be removed. */
  readonly dryRun: boolean
}

/** What was removed, or would be. */
export interface CollectResult {
  readonly root: string
  readonly dryRun: boolean
  readonly repositories: readonly RepositoryCollection[]
  readonly total: GarbageResult
}

/** Unused content of one repository; what was used in the meantime was kept. */
export interface RepositoryCollection {
  readonly name: string
  readonly manifests: readonly string[]
  readonly blobs: readonly BlobInfo[]
  /**
   * Upload sessions that have expired. Their ids stay secret, because anyone who knows an id can
   * write to the session.
   */
  readonly uploads: number
  /** All upload sessions with content, and their bytes. */
  readonly unfinished: {readonly count: number; readonly bytes: number}
  readonly kept: {readonly referenced: number; readonly leased: number}
  /** Why less is removed from this repository than could be. */
  readonly problems: readonly string[]
}

type StorePorts = Pick<Ports, 'report' | 'signal'>

/** Removes unreferenced content from all repositories of a root, even while it is served. */
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

/** The plan as the user gets it; obstacles are also reported as warnings. */
export function collectionsOf(
  {repositories}: GarbagePlan,
  report: Ports['report'],
): readonly RepositoryCollection[] {
  return repositories.map(({name, manifests, blobs, uploads, unfinished, kept, problems}) => {
    for (const problem of problems) report({kind: 'warning', message: `${name}: ${problem}`})
    return {name, manifests, blobs, uploads: uploads.length, unfinished, kept, problems}
  })
}

/** What a collection removes if nothing is used in the meantime. */
export function plannedTotal({repositories}: GarbagePlan): GarbageResult {
  const total = {manifests: 0, blobs: 0, bytes: 0, spared: 0}
  for (const {manifests, blobs} of repositories) {
    total.manifests += manifests.length
    total.blobs += blobs.length
    for (const {size} of blobs) total.bytes += size
  }
  return total
}
