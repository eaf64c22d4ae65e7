import {checkSite, type SiteReport} from '../export/check-site.js'
import {checkIsSite} from '../export/site.js'
import {type CheckResult, isSound} from './check-store.js'
import type {Ports} from './ports.js'

export type CheckSiteResult = CheckResult & SiteReport

/** Reads everything in a published site again, also while it is served. Throws what `checkIsSite` throws. */
export async function checkPublishedSite(
  site: string,
  {report: tell, signal}: Pick<Ports, 'report' | 'signal'>,
): Promise<CheckSiteResult> {
  await checkIsSite(site)
  let shown: string | undefined
  const onProgress = (repository: string, done: number): void => {
    if (repository !== shown) tell({kind: 'step', step: 'check', on: (shown = repository)})
    tell({kind: 'bytes', done})
  }
  const report = await checkSite(site, {signal, onProgress})
  return {root: site, sound: isSound(report), ...report}
}
