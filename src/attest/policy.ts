import * as v from 'valibot'
import {UsageError} from '../errors.js'
import {parseDocument} from '../oci/json.js'
import {freeForm} from '../oci/known-members.js'
import {faultIn, textShape} from '../oci/shape.js'
import {type ClaimName, claimNames} from './claims.js'

/** What `inject verify` must prove, from a file; see docs/provenance.md. Each is as the flag. */
export interface Policy {
  readonly claims?: readonly ClaimName[]
  readonly key?: string
  readonly identity?: string
  readonly issuer?: string
  readonly trustedRoot?: string
  readonly vendor?: string
  readonly vendorKey?: string
  readonly vendorIdentity?: string
  readonly vendorIssuer?: string
  readonly maxAge?: string
}

const text = v.optional(textShape)
const policyShape = v.strictObject({
  claims: v.optional(v.array(v.picklist(claimNames, 'is not a claim'), 'must be a list')),
  key: text,
  identity: text,
  issuer: text,
  trustedRoot: text,
  vendor: text,
  vendorKey: text,
  vendorIdentity: text,
  vendorIssuer: text,
  maxAge: text,
})

/**
 * The policy in a file. A member that is not known is refused: a typing error must not make a check
 * weaker. Throws `UsageError` (`ERR_INJECT_POLICY_INVALID`).
 */
export function parsePolicy(content: string): Policy {
  const fault = faultOf(content)
  if (fault === undefined) return valueOf(content) as Policy
  throw new UsageError('ERR_INJECT_POLICY_INVALID', `--policy is not a policy: ${fault}`, {
    hint: 'docs/provenance.md shows one',
  })
}

function faultOf(content: string): string | undefined {
  try {
    return faultIn(policyShape, valueOf(content))
  } catch (error) {
    return error instanceof Error ? error.message : 'it cannot be read'
  }
}

function valueOf(content: string): unknown {
  return parseDocument(Buffer.from(content), 'the policy', freeForm, 'ERR_INJECT_POLICY_INVALID')
    .value
}
