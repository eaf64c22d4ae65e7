import {type KeyObject, verify} from 'node:crypto'
import {type CheckSignature, createKeyCheck} from './check-signature.js'
import {hashFor} from './key-signer.js'

/** How the signatures of one party are checked. */
export interface SignatureChecks {
  readonly bundle: CheckSignature
  /**
   * A signature of bytes as they are, which older versions of cosign make; absent for identities,
   * whose old signatures are not read.
   */
  readonly plain?: (bytes: Uint8Array, signature: Uint8Array) => boolean
}

/** The checks of a public key. */
export function keyChecks(key: KeyObject): SignatureChecks {
  return {
    bundle: createKeyCheck(key),
    plain: (bytes, signature) => verify(hashFor(key), bytes, key, signature),
  }
}
