import {UsageError} from '../../errors.js'
import {planRemoval, type SiteGarbage} from '../../site/garbage.js'
import {removeFromSite} from '../../site/removal.js'
import {planSweep, sweepSite} from '../../site/sweep.js'
import type {Digest} from '../../oci/digest.js'
import type {Ports} from '../../ports.js'
import {parseSiteTarget} from './target.js'

export interface UnpublishSiteOptions {
  /** `SITE/NAME:TAG`; with `untagged`, the tag and the name are optional. */
  readonly target: string
  /** Also remove manifests that no tag leads to. */
  readonly untagged: boolean
  /** Content published within this time stays, milliseconds; 1 h. */
  readonly graceMs?: number | undefined
  readonly dryRun: boolean
}

/** What was removed from one repository, or would be. */
export interface UnpublishSiteResult extends Removed {
  readonly site: string
  readonly dryRun: boolean
}

/** Of one repository. */
interface Removed extends Omit<SiteGarbage, 'manifests' | 'blobs' | 'tag'> {
  readonly tag: string | null
  readonly manifests: readonly Digest[]
  readonly blobs: readonly Digest[]
}

/** What was removed from all of a site, or would be. */
export interface SweepSiteResult {
  readonly site: string
  readonly repositories: readonly Removed[]
  /** Content that is no longer in any repository. */
  readonly pool: readonly Digest[]
  /** The disk space that is freed. */
  readonly bytes: number
  readonly dryRun: boolean
}

/**
 * Removes a tag from a site, and what only it referred to; for a whole site, everything that no tag
 * leads to, including leftovers of killed publishers. Throws what `parseSiteTarget` and
 * `planRemoval` throw.
 */
export async function unpublishSite(
  {target, untagged, graceMs = hourMs, dryRun}: UnpublishSiteOptions,
  {report, signal}: Pick<Ports, 'report' | 'signal'>,
): Promise<UnpublishSiteResult | SweepSiteResult> {
  const {site, name, tag} = await parseSiteTarget(target)
  if (tag === undefined && !untagged) {
    throw new UsageError('ERR_INJECT_NO_TAG', 'nothing says which tag is to be removed', {
      hint: 'write SITE/NAME:TAG, or use --untagged for untagged content',
    })
  }
  const shown = (plan: SiteGarbage): Removed => {
    for (const message of plan.problems)
      report({kind: 'warning', message: `${plan.name}: ${message}`})
    const {manifests, blobs} = plan
    return {
      ...plan,
      tag: plan.tag ?? null,
      manifests: digestsOf(manifests),
      blobs: digestsOf(blobs),
    }
  }
  if (name === undefined) {
    const sweep = await (dryRun ? planSweep : sweepSite)(site, {graceMs, signal})
    const repositories = sweep.repositories.map(shown)
    return {site, repositories, pool: digestsOf(sweep.pool), bytes: sweep.bytes, dryRun}
  }
  const remove = dryRun ? planRemoval : removeFromSite
  return {site, ...shown(await remove(site, {name, tag, untagged, graceMs}, {signal})), dryRun}
}

function digestsOf(list: SiteGarbage['blobs']): Digest[] {
  return list.map(({digest}) => digest)
}

const hourMs = 3_600_000
