import prettyBytes from 'pretty-bytes'
import {InjectError} from '../../errors.js'
import {type Digest, hexOf} from '../../oci/digest.js'
import {html, type Html} from './html.js'
import {isRepositoryName} from '../../oci/names/repository-name.js'
import {isTag} from '../../oci/names/tag.js'

const longestText = 400

/** Untrusted text, cut where it would fill the page. */
export function clipped(text: string): Html {
  if (text.length <= longestText) return html`${text}`
  const left = text.length - longestText
  return html`${text.slice(0, longestText)}… <span class="quiet">(${left} more characters)</span>`
}

export function size(bytes: number): Html {
  return html`<data value="${bytes}">${prettyBytes(bytes)}</data>`
}

/** Half a digest is enough to tell, and the whole one is in the link. */
export function shortDigest(digest: Digest): string {
  return `${digest.slice(0, digest.indexOf(':'))}:${hexOf(digest).slice(0, 12)}…`
}

/** A time as a document states it: to the minute, in UTC; as it is when it is not a time. */
export function time(text: string | undefined): Html {
  if (text === undefined) return none
  const date = new Date(text)
  if (Number.isNaN(Number(date))) return html`<span class="free">${clipped(text)}</span>`
  const iso = date.toISOString()
  const shown = iso.replace(/T(\d\d:\d\d).*$/, ' $1 UTC')
  return html`<time datetime="${iso}">${shown}</time>`
}

/** Where there is nothing to say. */
export const none = html`<span class="quiet">–</span>`

/**
 * The place of a repository, or of one of its images; `undefined` when the name is one that no
 * request could give.
 */
export function pathOf(
  repository: string,
  reference?: Digest | {readonly tag: string},
): string | undefined {
  if (!isRepositoryName(repository)) return undefined
  const path = `/repository/${repository}`
  if (reference === undefined) return path
  if (typeof reference === 'string') return `${path}@${reference}`
  return isTag(reference.tag) ? `${path}:${reference.tag}` : undefined
}

/** A link, or the content alone without a place. */
export function link(path: string | undefined, content: Html): Html {
  return path === undefined ? content : html`<a href="${path}">${content}</a>`
}

/** Something that is wrong with what is shown. */
export function faultText(why: string): Html {
  return html`<span class="fault">not right: ${clipped(why)}</span>`
}

/** For a row that cannot say what it should: why. What is not an error of ours is thrown on. */
export function faultOf(error: unknown): Html {
  if (error instanceof InjectError) return faultText(error.message)
  throw error
}

/** The way through a long list: forward, where `next` is defined, and back to its beginning. */
export function pager(
  path: string,
  next: Readonly<Record<string, string | undefined>>,
  isFirst: boolean,
): Html {
  const pairs = Object.entries(next).filter(
    (pair): pair is [string, string] => pair[1] !== undefined,
  )
  const query = new URLSearchParams(pairs).toString()
  const links = [
    ...(isFirst ? [] : [html`<a href="${path}">first page</a>`]),
    ...(query === '' ? [] : [html`<a rel="next" href="${path}?${query}">next page</a>`]),
  ]
  return links.length === 0 ? html`` : html`<p class="pager">${links}</p>`
}
