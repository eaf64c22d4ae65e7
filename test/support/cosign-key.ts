import {type KeyObject, randomBytes, scryptSync} from 'node:crypto'
import {secretbox} from '@noble/ciphers/salsa'

/** What a key file of a test has instead of what cosign writes. */
export interface CosignKeyOptions {
  readonly label?: 'SIGSTORE' | 'COSIGN'
  readonly params?: Readonly<Record<string, unknown>>
  /** Changes the document before it is written. */
  readonly edit?: (document: CosignKeyJson) => void
}

export interface CosignKeyJson {
  kdf: {name: string; params: Record<string, unknown>; salt: string}
  cipher: {name: string; nonce: string}
  ciphertext: string
  [member: string]: unknown
}

/** Of little work, so that tests are quick. */
const cheap = {N: 16, r: 1, p: 1}

/** A private key as cosign writes it. */
export function cosignKey(
  key: KeyObject | Uint8Array,
  password: string,
  {label = 'SIGSTORE', params = cheap, edit}: CosignKeyOptions = {},
): string {
  const der = key instanceof Uint8Array ? key : key.export({type: 'pkcs8', format: 'der'})
  const [salt, nonce] = [randomBytes(32), randomBytes(24)]
  const sealed = secretbox(scryptSync(password, salt, 32, cheap), nonce).seal(der)
  const document: CosignKeyJson = {
    kdf: {name: 'scrypt', params: {...params}, salt: salt.toString('base64')},
    cipher: {name: 'nacl/secretbox', nonce: nonce.toString('base64')},
    ciphertext: Buffer.from(sealed).toString('base64'),
  }
  edit?.(document)
  return cosignPem(JSON.stringify(document), label)
}

/** Any text as a file of cosign's. */
export function cosignPem(text: string, label = 'SIGSTORE'): string {
  const lines =
    Buffer.from(text)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  const name = `ENCRYPTED ${label} PRIVATE KEY`
  return [`-----BEGIN ${name}-----`, ...lines, `-----END ${name}-----`, ''].join('\n')
}
