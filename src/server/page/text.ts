import {InjectError} from '../../errors.js'
import type {Digest} from '../../oci/digest.js'
import {html, type Html} from '../../picture/html.js'
import {clipped} from '../../picture/text.js'
import {isRepositoryName} from '../../oci/names/repository-name.js'
import {isTag} from '../../oci/names/tag.js'

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
