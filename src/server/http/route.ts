import {type Digest, isDigest} from '../../oci/digest.js'
import {quoted} from '../../oci/quoted.js'
import {isRepositoryName} from '../../oci/names/repository-name.js'
import {isTag} from '../../oci/names/tag.js'
import {Refusal} from './refusal.js'

/**
 * What a path names.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#endpoints
 */
export type Route = RouteOf<keyof Named>

/** The routes of some kinds. */
export type RouteOf<Kind extends keyof Named> = {
  readonly [Each in Kind]: {readonly kind: Each} & Named[Each]
}[Kind]

interface Named {
  readonly ping: object
  readonly catalog: object
  readonly health: object
  readonly metrics: object
  /**
   * For people: the list of repositories, a repository, or an image (`reference`: a tag or a
   * digest).
   */
  readonly page: {readonly repository?: string; readonly reference?: string}
  readonly tags: InRepository
  readonly uploads: InRepository
  readonly upload: InRepository & {readonly id: string}
  readonly blob: InRepository & {readonly digest: Digest}
  readonly referrers: InRepository & {readonly digest: Digest}
  /** `reference` is a tag or a digest. */
  readonly manifest: InRepository & {readonly reference: string}
}

interface InRepository {
  readonly repository: string
}

/**
 * Reads the path of a request as it came, without decoding anything: no name of this API needs an
 * escape, and what one reader decodes another does not. The end of the path says what it is, since
 * a repository may be called `blobs` or `manifests/tags`. Without `page` there are no pages for
 * people. Throws `Refusal` (400, 404).
 */
export function parseRoute(path: string, {page}: {readonly page: boolean}): Route {
  if (path === '/v2/' || path === '/v2') return {kind: 'ping'}
  if (path === '/healthz') return {kind: 'health'}
  if (path === '/metrics') return {kind: 'metrics'}
  if (page && path === '/') return {kind: 'page'}
  if (page && path.startsWith(pagePrefix)) return parsePage(path.slice(pagePrefix.length))
  if (!path.startsWith('/v2/')) throw new Refusal(404, 'UNSUPPORTED', 'no such endpoint')
  const parts = path.slice('/v2/'.length).split('/')
  if (parts.length === 1 && parts[0] === '_catalog') return {kind: 'catalog'}

  const last = parts.pop() ?? ''
  const before = parts.pop() ?? ''
  if (before === 'uploads' && parts.at(-1) === 'blobs') {
    const repository = nameOf(parts.slice(0, -1))
    return last === '' ? {kind: 'uploads', repository} : {kind: 'upload', repository, id: last}
  }
  switch (before) {
    case 'manifests':
      return {kind: 'manifest', repository: nameOf(parts), reference: referenceOf(last)}
    case 'blobs':
      // some clients leave out the slash at the end
      if (last === 'uploads') return {kind: 'uploads', repository: nameOf(parts)}
      return {kind: 'blob', repository: nameOf(parts), digest: digestOf(last)}
    case 'referrers':
      return {kind: 'referrers', repository: nameOf(parts), digest: digestOf(last)}
    case 'tags':
      if (last === 'list') return {kind: 'tags', repository: nameOf(parts)}
  }
  throw new Refusal(404, 'UNSUPPORTED', 'no such endpoint')
}

const pagePrefix = '/repository/'

/** Whether a path is one for people, be there something or not. */
export function isPagePath(path: string): boolean {
  return path === '/' || path.startsWith(pagePrefix)
}

/** `NAME`, `NAME:TAG` or `NAME@DIGEST`: no name has one of the two marks in it. */
function parsePage(text: string): RouteOf<'page'> {
  const mark = text.search(/[:@]/)
  if (mark < 0) return {kind: 'page', repository: nameOf([text])}
  const repository = nameOf([text.slice(0, mark)])
  const rest = text.slice(mark + 1)
  const reference = text[mark] === '@' ? digestOf(rest) : referenceOf(rest)
  return {kind: 'page', repository, reference}
}

function nameOf(parts: readonly string[]): string {
  const name = parts.join('/')
  if (name === '') throw new Refusal(404, 'NAME_UNKNOWN', 'no repository is named')
  if (isRepositoryName(name)) return name
  throw new Refusal(400, 'NAME_INVALID', `not a repository name: ${quoted(name)}`)
}

function digestOf(text: string): Digest {
  if (isDigest(text)) return text
  throw new Refusal(400, 'DIGEST_INVALID', `not a digest: ${quoted(text)}`)
}

function referenceOf(text: string): string {
  if (isTag(text) || isDigest(text)) return text
  const code = text.includes(':') ? 'DIGEST_INVALID' : 'MANIFEST_INVALID'
  throw new Refusal(400, code, `neither a tag nor a digest: ${quoted(text)}`)
}
