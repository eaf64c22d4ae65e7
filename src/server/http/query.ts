import {type Digest, isDigest} from '../../oci/digest.js'
import {quoted} from '../../oci/quoted.js'
import {Refusal} from './refusal.js'

/**
 * The one value of a parameter; `undefined` without. A parameter that is given twice could be read
 * in two ways: `Refusal` (400).
 */
export function single(query: URLSearchParams, name: string): string | undefined {
  const [value, ...others] = query.getAll(name)
  if (others.length === 0) return value
  throw new Refusal(
    400,
    'UNSUPPORTED',
    `the parameter ${quoted(name)} is given ${others.length + 1} times`,
  )
}

/** A parameter that is a digest, `undefined` without; anything else is a `Refusal` (400). */
export function digestIn(query: URLSearchParams, name: string): Digest | undefined {
  const value = single(query, name)
  if (value === undefined || isDigest(value)) return value
  throw new Refusal(400, 'DIGEST_INVALID', `${name} is not a digest: ${quoted(value)}`)
}
