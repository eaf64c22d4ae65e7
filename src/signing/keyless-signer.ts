import {NetworkError} from '../errors.js'
import {makeBundle} from './make-bundle.js'
import type {KeylessServices} from './public-services.js'
import type {StatementSigner} from './signer.js'

const timeout = 30_000
const retries = 2

/**
 * Signs with a key that lives as long as one signature, and a certificate for the identity that
 * the token names. The token goes to the certificate authority only. Throws what `getToken` throws,
 * and `NetworkError` (`ERR_INJECT_SIGNING_FAILED`), without what a service or the library says:
 * that repeats tokens.
 */
export function createKeylessSigner(
  {fulcio, rekor}: KeylessServices,
  getToken: () => Promise<string>,
): StatementSigner {
  return {
    name: 'an identity',
    async sign(statement) {
      const {FulcioSigner, RekorWitness} = await import('@sigstore/sign')
      const limits = {timeout, retry: {retries}}
      const token = await getToken()
      const signer = new FulcioSigner({
        fulcioBaseURL: fulcio,
        identityProvider: {getToken: () => Promise.resolve(token)},
        ...limits,
      })
      const witness = new RekorWitness({rekorBaseURL: rekor, entryType: 'dsse', ...limits})
      try {
        return await makeBundle(statement, signer, [witness])
      } catch (error) {
        throw failed(error, {fulcio, rekor})
      }
    },
  }
}

function failed(error: unknown, {fulcio, rekor}: KeylessServices): NetworkError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
  const reason = /^[A-Z_]{1,60}$/.test(code) ? code : 'unknown reason'
  const isLog = reason.startsWith('TLOG')
  const [what, where] = isLog ? ['the record of the signature', rekor] : ['a certificate', fulcio]
  return new NetworkError(
    'ERR_INJECT_SIGNING_FAILED',
    `${what} could not be had from ${new URL(where).host}: ${reason}`,
    {hint: 'check the identity token, --fulcio-url and --rekor-url'},
  )
}
