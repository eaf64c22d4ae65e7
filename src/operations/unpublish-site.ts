import {UsageError} from '../errors.js'
import {planRemoval, type SiteGarbage} from '../export/site-garbage.js'
import {removeFromSite} from '../export/site-removal.js'
import type {Digest} from '../oci/digest.js'
import type {Ports} from './ports.js'
import {parseSiteTarget} from './site-target.js'

export interface UnpublishSiteOptions {
  /** `SITE/NAME:TAG`; the tag may be missing where `untagged` says what goes. */
  readonly target: string
  /** Manifests that no tag leads to go, too. */
  readonly untagged: boolean
  /** What was published within this time stays, milliseconds; 1 h. */
  readonly graceMs?: number | undefined
  readonly dryRun: boolean
}

/** What was removed, or would be. */
export interface UnpublishSiteResult extends Omit<SiteGarbage, 'manifests' | 'blobs' | 'tag'> {
  readonly site: string
  readonly tag: string | null
  readonly manifests: readonly Digest[]
  readonly blobs: readonly Digest[]
  readonly dryRun: boolean
}

/** Removes a tag from a site, and what nothing else there refers to. Throws what `parseSiteTarget` and `planRemoval` throw. */
export async function unpublishSite(
  {target, untagged, graceMs = hourMs, dryRun}: UnpublishSiteOptions,
  {report, signal}: Pick<Ports, 'report' | 'signal'>,
): Promise<UnpublishSiteResult> {
  const {site, name, tag} = await parseSiteTarget(target)
  if (tag === undefined && !untagged) {
    throw new UsageError('ERR_INJECT_NO_TAG', 'nothing says which tag is to be removed', {
      hint: 'write SITE/NAME:TAG, or say --untagged',
    })
  }
  const removal = {name, tag, untagged, graceMs}
  const plan = dryRun
    ? await planRemoval(site, removal, {signal})
    : await removeFromSite(site, removal, {signal})
  for (const message of plan.problems) report({kind: 'warning', message: `${name}: ${message}`})
  const digestsOf = (list: SiteGarbage['blobs']): Digest[] => list.map(({digest}) => digest)
  return {
    site,
    ...plan,
    tag: plan.tag ?? null,
    manifests: digestsOf(plan.manifests),
    blobs: digestsOf(plan.blobs),
    dryRun,
  }
}

const hourMs = 3_600_000
