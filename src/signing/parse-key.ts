import {createPrivateKey, createPublicKey, type KeyObject} from 'node:crypto'
import {UsageError} from '../errors.js'

/**
 * The private key in a PEM text: ECDSA on P-256, RSA of 2,048 bits or more, or Ed25519; in PKCS #8
 * encrypted with `password`, too. Keys in cosign's own format are read by `parseCosignKey`. Throws
 * `UsageError` (`ERR_INJECT_SIGN_KEY_INVALID`), which says nothing of the text.
 */
export function parsePrivateKey(
  pem: string,
  password: string | undefined,
  from: string,
): KeyObject {
  try {
    return checkedKey(
      createPrivateKey({key: pem, ...(password !== undefined && {passphrase: password})}),
      from,
    )
  } catch (error) {
    if (error instanceof UsageError) throw error
    // no cause: its message could repeat a part of the text
    const why = isEncryptedKey(pem) ? 'cannot be decrypted' : 'is not a private key in PEM'
    const hint = isEncryptedKey(pem)
      ? 'set INJECT_SIGN_PASSWORD to its password'
      : 'make one with openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256'
    throw invalidKey(from, why, hint)
  }
}

/** Whether a PEM text needs a password. */
export function isEncryptedKey(pem: string): boolean {
  return /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem)
}

/**
 * The public key in a PEM text, of the same kinds. Throws `UsageError`
 * (`ERR_INJECT_SIGN_KEY_INVALID`), also for a private key, which is not needed, and for a
 * certificate, which is mostly that of a company and not of a signer.
 */
export function parsePublicKey(pem: string, from: string): KeyObject {
  if (/PRIVATE KEY-----/.test(pem))
    throw invalidKey(from, 'is a private key', 'name the public one: openssl pkey -pubout')
  if (/BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/.test(pem))
    throw invalidKey(
      from,
      'is a certificate',
      'name the public key of who signs; openssl x509 -pubkey -noout writes that of a certificate',
    )
  try {
    return checkedKey(createPublicKey(pem), from)
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw invalidKey(from, 'is not a public key in PEM', 'write it with openssl pkey -pubout')
  }
}

/** The key, if it is of a kind that is supported. Throws `UsageError` like `parsePrivateKey`. */
export function checkedKey(key: KeyObject, from: string): KeyObject {
  const {asymmetricKeyType: type, asymmetricKeyDetails: details = {}} = key
  const isGood =
    type === 'ed25519' ||
    (type === 'ec' && details.namedCurve === 'prime256v1') ||
    (type === 'rsa' && (details.modulusLength ?? 0) >= 2048)
  if (isGood) return key
  throw invalidKey(
    from,
    'is of a kind that is not supported',
    'use ECDSA on P-256, RSA from 2,048 bits, or Ed25519',
  )
}

/** Says what is wrong with the key that was read `from` there. */
export function invalidKey(from: string, why: string, hint: string): UsageError {
  return new UsageError('ERR_INJECT_SIGN_KEY_INVALID', `the key in ${from} ${why}`, {hint})
}
