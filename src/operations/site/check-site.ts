import {checkSite, type SiteReport} from '../../site/check.js'
import {checkIsSite} from '../../site/site.js'
import {checkProgress, type CheckResult, isSound} from '../maintain/check-store.js'
import type {Ports} from '../../ports.js'

export type CheckSiteResult = CheckResult & SiteReport

/**
 * Reads everything in a published site again, even while it is served. Throws what `checkIsSite`
 * throws.
 */
export async function checkPublishedSite(
  site: string,
  {report: tell, signal}: Pick<Ports, 'report' | 'signal'>,
): Promise<CheckSiteResult> {
  await checkIsSite(site)
  const report = await checkSite(site, {signal, onProgress: checkProgress(tell)})
  return {root: site, sound: isSound(report), ...report}
}
