import type {Signer, Witness} from '@sigstore/sign'
import {statementType} from '../attest/types.js'

/** The bundle of a signed statement, as JSON. Throws what the signer and the witnesses throw. */
export async function makeBundle(
  statement: Uint8Array,
  signer: Signer,
  witnesses: readonly Witness[] = [],
): Promise<Uint8Array> {
  const {DSSEBundleBuilder} = await import('@sigstore/sign')
  const {bundleToJSON} = await import('@sigstore/bundle')
  const builder = new DSSEBundleBuilder({signer, witnesses: [...witnesses]})
  const bundle = await builder.create({data: Buffer.from(statement), type: statementType})
  // cosign takes a key ID for that of another key unless it is its own kind of ID; the hint stays
  for (const signature of bundle.content.dsseEnvelope.signatures) signature.keyid = ''
  return Buffer.from(JSON.stringify(bundleToJSON(bundle)))
}
