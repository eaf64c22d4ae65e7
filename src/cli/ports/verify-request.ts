import {dirname, resolve} from 'node:path'
import type {ClaimName} from '../../attest/claims.js'
import {parsePolicy, type Policy} from '../../attest/policy.js'
import {readSmallFile} from '../../disk/read-small-file.js'
import {UsageError} from '../../errors.js'
import {parseReference} from '../../oci/names/reference.js'
import type {VerifyRequest} from '../../operations/verify.js'
import type {SignatureChecks} from '../../signing/signature-checks.js'
import {parseDuration} from '../flags/store.js'
import type {SignerFlags, VerifyFlags} from '../flags/commands/verify.js'
import {readKey} from './statement-signer.js'

type Environment = Readonly<Record<string, string | undefined>>
type Checks = Omit<VerifyRequest, 'reference' | 'platforms' | 'now'>

/**
 * What `inject verify` checks, by its flags and its policy. Throws `UsageError`, and `LocalIoError`
 * for files.
 */
export async function verifyChecks(flags: VerifyFlags, env: Environment): Promise<Checks> {
  const policy = flags.policy === undefined ? {} : await readPolicy(flags.policy)
  const root = flags['trusted-root'] ?? policy.trustedRoot
  const own = firstParty([{key: flags.key, identity: flags.identity, issuer: flags.issuer}, policy])
  const theirs = firstParty([
    {
      key: flags['vendor-key'],
      identity: flags['vendor-identity'],
      issuer: flags['vendor-issuer'],
    },
    {key: policy.vendorKey, identity: policy.vendorIdentity, issuer: policy.vendorIssuer},
  ])
  const [signer, vendorSigner] = await Promise.all(
    [own, theirs].map((party) => checksOf(party, root, env)),
  )
  const vendor =
    flags.vendor ?? (policy.vendor === undefined ? undefined : parseReference(policy.vendor))
  const needed = new Set<ClaimName>(policy.claims ?? defaultClaims(signer, vendorSigner))
  refuseUnprovable(needed, {signer, vendorSigner})
  const age =
    flags['max-age'] ?? (policy.maxAge === undefined ? undefined : parseDuration(policy.maxAge))
  return {signer, vendor, vendorSigner, needed, maxAge: age === undefined ? undefined : age / 1000}
}

/** Who must have signed, by the flags; `undefined`: nobody. Throws what `verifyChecks` throws. */
export function signerChecks(
  flags: SignerFlags,
  env: Environment,
): Promise<SignatureChecks | undefined> {
  return checksOf(flags, flags['trusted-root'], env)
}

/** Who must have signed. */
interface Party {
  readonly key?: string | undefined
  readonly identity?: string | undefined
  readonly issuer?: string | undefined
}

function firstParty(parties: readonly Party[]): Party {
  return parties.find(({key, identity}) => key !== undefined || identity !== undefined) ?? {}
}

async function checksOf(
  {key, identity, issuer}: Party,
  root: string | undefined,
  env: Environment,
): Promise<SignatureChecks | undefined> {
  if (key !== undefined) {
    const {parsePublicKey} = await import('../../signing/parse-key.js')
    const {keyChecks} = await import('../../signing/signature-checks.js')
    return keyChecks(parsePublicKey(await readKey(key, env), JSON.stringify(key)))
  }
  if (identity === undefined) return undefined
  if (issuer === undefined || root === undefined) {
    throw new UsageError('ERR_INJECT_USAGE', 'an identity needs its issuer and a trusted root', {
      hint: 'use --issuer URL and --trusted-root FILE',
    })
  }
  const {createIdentityCheck} = await import('../../signing/check-signature.js')
  return {bundle: await createIdentityCheck({identity, issuer}, await readSmallFile(root))}
}

/** What is asked for is needed. */
function defaultClaims(
  signer: SignatureChecks | undefined,
  vendorSigner: SignatureChecks | undefined,
): readonly ClaimName[] {
  return [
    'content',
    ...(signer ? ['statement' as const] : []),
    ...(vendorSigner ? ['vendor-signature' as const] : []),
  ]
}

/** Throws `UsageError`: a check that cannot succeed is a mistake. */
function refuseUnprovable(
  needed: ReadonlySet<ClaimName>,
  {signer, vendorSigner}: Pick<Checks, 'signer' | 'vendorSigner'>,
): void {
  const isMissing = (needed.has('statement') || needed.has('signature')) && !signer
  if (!isMissing && !(needed.has('vendor-signature') && !vendorSigner)) return
  throw new UsageError(
    'ERR_INJECT_USAGE',
    'the policy needs a signature, and nothing says by whom',
    {hint: isMissing ? 'use --key or --identity' : 'use --vendor-key or --vendor-identity'},
  )
}

/** Paths in a policy are relative to its folder. */
async function readPolicy(path: string): Promise<Policy> {
  const policy = parsePolicy(await readSmallFile(path))
  const folder = dirname(resolve(path))
  const file = (name: string | undefined) =>
    name === undefined || name.startsWith('env://') ? name : resolve(folder, name)
  const [key, vendorKey, trustedRoot] = [policy.key, policy.vendorKey, policy.trustedRoot].map(file)
  return {
    ...policy,
    ...(key !== undefined && {key}),
    ...(vendorKey !== undefined && {vendorKey}),
    ...(trustedRoot !== undefined && {trustedRoot}),
  }
}
