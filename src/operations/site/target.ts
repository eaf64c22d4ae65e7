import {join, relative, resolve, sep} from 'node:path'
import {UsageError} from '../../errors.js'
import {checkIsSite, findSites} from '../../site/site.js'
import {quoted} from '../../oci/quoted.js'
import {parseTag} from '../../oci/names/reference.js'
import {parseRepositoryName} from '../../oci/names/repository-name.js'

export interface SiteTarget {
  readonly site: string
  /** `undefined`: all of them. */
  readonly name: string | undefined
  readonly tag: string | undefined
}

/**
 * Throws `UsageError` (`ERR_INJECT_NOT_A_SITE`) for an address, which would be a valid folder name
 * but is surely not meant as one. A text with a slash before the colon is accepted.
 */
export function refuseAddress(site: string): void {
  if (!/^(?:[\w.-]+|\[[\da-f:]+\]):(?:\/\/|\d+(?:\/|$))/i.test(site)) return
  throw new UsageError('ERR_INJECT_NOT_A_SITE', 'SITE is the address of a registry', {
    hint: 'SITE is a folder here, ./… if it is called so: what goes to a registry is for inject copy',
  })
}

/**
 * Parses `SITE[/NAME[:TAG]]`; which part of it is the site is found out on disk. Throws
 * `UsageError` (`ERR_INJECT_SITE_TARGET_INVALID`), and what `checkIsSite` throws if no folder on
 * the path is a site.
 */
export async function parseSiteTarget(text: string): Promise<SiteTarget> {
  if (text.includes('@')) {
    throw new UsageError('ERR_INJECT_SITE_TARGET_INVALID', 'a digest is not taken here', {
      hint: 'write SITE/NAME:TAG; SITE/NAME --untagged removes what has no tag',
    })
  }
  const colon = text.indexOf(':', text.lastIndexOf('/') + 1)
  const path = colon < 0 ? text : text.slice(0, colon)
  const tag = colon < 0 ? undefined : parseTag(text.slice(colon + 1))
  // the parts as typed, because a name must not depend on how `..` resolves
  const whole = resolve(path)
  const [site] = await findSites(whole)
  if (site === undefined) await checkIsSite(join(whole, '..'))
  const name = site === undefined ? '' : relative(site, whole).split(sep).join('/')
  if (site !== undefined && name !== '') return {site, name: parseRepositoryName(name), tag}
  if (site !== undefined && tag === undefined) return {site, name: undefined, tag}
  throw new UsageError(
    'ERR_INJECT_SITE_TARGET_INVALID',
    `${quoted(text)} names no repository in a site`,
    {
      hint: 'write SITE/NAME:TAG, as in /srv/site/team/app:v1, or SITE --untagged',
    },
  )
}
