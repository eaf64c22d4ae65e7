import type {RegistryError} from '../../oci/registry-error.js'

/** A request that a registry refused, and its answer. */
export interface Refusal {
  readonly method: string
  readonly url: URL
  readonly status: number
  readonly errors: readonly RegistryError[]
}

/** The meaning of a known refusal, and what to do about it. */
export interface UsualRefusal {
  readonly meaning: 'no-repository' | 'locked' | 'over-quota' | 'unpaid' | 'manifest-refused'
  readonly hint: string
}

/**
 * Recognizes refusals whose cause differs from what their status says; `undefined` for all others.
 * Most of them have no error code of their own, so their usual messages are looked for.
 */
export function usualRefusal(refusal: Refusal): UsualRefusal | undefined {
  const {method, status, errors} = refusal
  const words = errors.map(({code, message, detail = ''}) => `${code} ${message} ${detail}`).join()
  const has = (code: string): boolean => errors.some((error) => error.code === code)
  const isPush = !['GET', 'HEAD'].includes(method)
  if (isPush && status === 404 && has('NAME_UNKNOWN'))
    return {meaning: 'no-repository', hint: createIt(refusal)}
  if ([403, 405, 409, 412].includes(status) && /disallowed|\blocked\b|read-only/i.test(words)) {
    return {
      meaning: 'locked',
      hint: 'the registry, the repository or the tag is locked or read-only: unlock it there, or choose another --tag',
    }
  }
  const isQuota = /quota|(?:exceed|over)\w*\b.{0,200}\blimit\b|limit.{0,40}exceeded/is.test(words)
  if ([400, 403, 409, 412, 413, 507].includes(status) && isPush && isQuota) {
    return {
      meaning: 'over-quota',
      hint: 'the quota for storage is used up: delete images there, or have the quota raised',
    }
  }
  if (status === 402)
    return {meaning: 'unpaid', hint: 'the account or plan at the registry does not allow it'}
  if (isPush && status === 400 && has('MANIFEST_INVALID')) {
    return {
      meaning: 'manifest-refused',
      hint: 'the registry does not accept this kind of manifest: try --compression gzip, and --to-oci for an image in the formats of Docker; --attestations drop leaves out other documents of an index',
    }
  }
  return undefined
}

/** ECR, and others by configuration, do not create repositories on a push. */
function createIt({url}: Refusal): string {
  const repository = /^\/v2\/(.+?)\/(?:blobs|manifests)\//.exec(url.pathname)?.[1]
  const isEcr = /\.dkr\.ecr(?:-fips)?\.[\w-]+\.amazonaws\.com(?:\.cn)?$/.test(url.hostname)
  const command =
    isEcr && repository !== undefined
      ? `: aws ecr create-repository --repository-name ${repository}`
      : ''
  return `the registry does not create repositories on a push: create it there first${command}`
}
