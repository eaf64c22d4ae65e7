import type {KeyObject} from 'node:crypto'
import type {DecodedBundle} from '../attest/bundle.js'
import {UsageError} from '../errors.js'
import {parseJsonValue} from '../oci/json-value.js'
import {hintOf} from './key-signer.js'

/** What a signature proves. */
export type CheckedSignature =
  | {
      readonly valid: true
      /** Who signed: `key …`, or the name in a certificate and its issuer. */
      readonly by: string
      /** When, if somebody else than the signer says so. */
      readonly time: Date | undefined
    }
  | {readonly valid: false; readonly why: string}

/** Checks the signature of a bundle; what is signed is the caller's to judge. */
export type CheckSignature = (bundle: DecodedBundle) => Promise<CheckedSignature>

/** Whose certificates count, and who issues their identities. Both are compared as a whole. */
export interface ExpectedIdentity {
  readonly identity: string
  readonly issuer: string
}

/**
 * Checks that a key signed. What a transparency log says beside the signature is not looked at,
 * because a key needs no proof of when it signed.
 */
export function createKeyCheck(key: KeyObject): CheckSignature {
  return async (bundle) => {
    if (bundle.signer.kind !== 'key')
      return {valid: false, why: 'it is signed by an identity, not by a key'}
    const {bundleFromJSON, ...library} = await libraries()
    try {
      const entity = library.toSignedEntity(bundleFromJSON(bundle.json))
      const anyKey = () => ({publicKey: key, validFor: () => true})
      const trust = {...noTrust, publicKey: anyKey}
      const verifier = new library.Verifier(trust, none)
      verifier.verify({...entity, tlogEntries: [], timestamps: []})
      return {valid: true, by: `key ${hintOf(key)}`, time: undefined}
    } catch (error) {
      return {valid: false, why: reasonOf(error)}
    }
  }
}

/**
 * Checks that an identity signed, with a certificate and a log entry that `trustedRoot` vouches
 * for: the text of a trusted root, as `cosign trusted-root create` and the TUF repositories of
 * sigstore write it. Throws `UsageError` (`ERR_INJECT_TRUSTED_ROOT_INVALID`).
 */
export async function createIdentityCheck(
  expected: ExpectedIdentity,
  trustedRoot: string,
): Promise<CheckSignature> {
  const {bundleFromJSON, ...library} = await libraries()
  const {TrustedRoot} = await import('@sigstore/protobuf-specs')
  const value = parseJsonValue(trustedRoot)
  const trust = (() => {
    try {
      return library.toTrustMaterial(TrustedRoot.fromJSON(value))
    } catch {
      throw invalidRoot()
    }
  })()
  if (trust.certificateAuthorities.length === 0 || trust.tlogs.length === 0) throw invalidRoot()
  return (bundle) => {
    if (bundle.signer.kind !== 'certificate')
      return Promise.resolve({valid: false, why: 'it is signed by a key, not by an identity'})
    try {
      const entity = library.toSignedEntity(bundleFromJSON(bundle.json))
      const {identity} = new library.Verifier(trust).verify(entity)
      const [name, issuer] = [identity?.subjectAlternativeName, identity?.extensions?.issuer]
      if (name !== expected.identity || issuer !== expected.issuer)
        return Promise.resolve({
          valid: false,
          why: `it is signed by ${name ?? 'a nameless identity'}, by the word of ${issuer ?? 'nobody'}`,
        })
      const [entry] = entity.tlogEntries
      const time = entry ? new Date(Number(entry.integratedTime) * 1000) : undefined
      return Promise.resolve({valid: true, by: `${name} (${issuer})`, time})
    } catch (error) {
      return Promise.resolve({valid: false, why: reasonOf(error)})
    }
  }
}

const noTrust = {certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: []}
const none = {ctlogThreshold: 0, tlogThreshold: 0, timestampThreshold: 0}

async function libraries() {
  const [{bundleFromJSON}, {Verifier, toSignedEntity, toTrustMaterial}] = await Promise.all([
    import('@sigstore/bundle'),
    import('@sigstore/verify'),
  ])
  return {bundleFromJSON, Verifier, toSignedEntity, toTrustMaterial}
}

function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : ''
  return message === 'signature verification failed'
    ? 'the signature does not fit the statement and the key'
    : message.slice(0, 200) || 'it cannot be read'
}

function invalidRoot(): UsageError {
  return new UsageError('ERR_INJECT_TRUSTED_ROOT_INVALID', '--trusted-root is not a trusted root', {
    hint: 'write one with cosign trusted-root create',
  })
}
