import {createHash, createPublicKey, type KeyObject, sign} from 'node:crypto'
import {makeBundle} from './make-bundle.js'
import type {StatementSigner} from './signer.js'

/** Signs with a private key of this process, of a kind that `parsePrivateKey` accepts. */
export function createKeySigner(key: KeyObject): StatementSigner {
  const publicKey = createPublicKey(key)
  const hint = hintOf(publicKey)
  return {
    name: `key ${hint}`,
    sign: (statement) =>
      makeBundle(statement, {
        sign: (data) =>
          Promise.resolve({
            key: {$case: 'publicKey', publicKey: pemOf(publicKey), hint},
            signature: sign(hashFor(key), data, key),
          }),
      }),
  }
}

/** What a bundle calls a key: the SHA-256 of its PKIX form, in base64, as cosign has it. */
export function hintOf(publicKey: KeyObject): string {
  const der = publicKey.export({type: 'spki', format: 'der'})
  return createHash('sha256').update(der).digest('base64')
}

/** A public key as PEM. */
export function pemOf(publicKey: KeyObject): string {
  return publicKey.export({type: 'spki', format: 'pem'}).toString()
}

/** What is hashed before it is signed; Ed25519 hashes by itself. */
export function hashFor(key: KeyObject): string | null {
  return key.asymmetricKeyType === 'ed25519' ? null : 'sha256'
}
