import {createPrivateKey, type KeyObject, scrypt} from 'node:crypto'
import * as v from 'valibot'
import {UsageError} from '../errors.js'
import {parseJsonValue} from '../oci/json-value.js'
import {looseShape, textShape} from '../oci/shape.js'
import {checkedKey, invalidKey} from './parse-key.js'

/** Whether a text is a private key as cosign writes it, now or before version 2. */
export function isCosignKey(pem: string): boolean {
  return /-----BEGIN ENCRYPTED (?:SIGSTORE|COSIGN) PRIVATE KEY-----/.test(pem)
}

/**
 * The private key in a text of cosign's own: PKCS #8 in a box of NaCl, whose key scrypt makes of
 * the password; cosign allows an empty one. Throws `UsageError` (`ERR_INJECT_SIGN_KEY_INVALID`),
 * which says nothing of the text.
 * https://github.com/secure-systems-lab/go-securesystemslib/blob/main/encrypted/encrypted.go
 */
export async function parseCosignKey(
  pem: string,
  password: string | undefined,
  from: string,
): Promise<KeyObject> {
  const box = boxIn(pem)
  if (!box) throw invalidKey(from, "is not a key in cosign's format", 'write it again by cosign')
  if (password === undefined) throw locked(from, 'is encrypted')
  const key = await keyOf(password, box)
  if (!key) throw invalidKey(from, 'asks for more work than a key may', 'write it again by cosign')
  // imported here because few keys are in this format
  const {secretbox} = await import('@noble/ciphers/salsa')
  let der: Uint8Array
  try {
    der = secretbox(key, box.nonce).open(box.ciphertext)
  } catch {
    throw locked(from, 'cannot be decrypted')
  } finally {
    key.fill(0)
  }
  try {
    return checkedKey(createPrivateKey({key: Buffer.from(der), format: 'der', type: 'pkcs8'}), from)
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw invalidKey(from, 'does not hold a private key', 'write it again by cosign')
  } finally {
    der.fill(0)
  }
}

interface Box extends Cost {
  readonly salt: Uint8Array
  readonly nonce: Uint8Array
  readonly ciphertext: Uint8Array
}

/** What scrypt is to spend. https://www.rfc-editor.org/rfc/rfc7914#section-2 */
interface Cost {
  readonly N: number
  readonly r: number
  readonly p: number
}

const base64 = v.pipe(textShape, v.maxLength(64 * 1024), v.base64())
const number = v.pipe(v.number(), v.integer(), v.minValue(1))
const boxShape = looseShape({
  kdf: looseShape({
    name: v.literal('scrypt'),
    params: looseShape({N: number, r: number, p: number}),
    salt: base64,
  }),
  cipher: looseShape({name: v.literal('nacl/secretbox'), nonce: base64}),
  ciphertext: base64,
})

interface BoxView {
  readonly kdf: {readonly params: Cost; readonly salt: string}
  readonly cipher: {readonly nonce: string}
  readonly ciphertext: string
}

/** What a text holds; `undefined` if it is malformed. */
function boxIn(pem: string): Box | undefined {
  const [, , text = ''] =
    /-----BEGIN (ENCRYPTED (?:SIGSTORE|COSIGN) PRIVATE KEY)-----([\w+/=\s]+)-----END \1-----/.exec(
      pem,
    ) ?? []
  const value = parseJsonValue(Buffer.from(text, 'base64').toString('utf8'))
  if (!v.is(boxShape, value)) return undefined
  const {kdf, cipher, ciphertext: sealed} = value as unknown as BoxView
  const [salt, nonce, ciphertext] = [kdf.salt, cipher.nonce, sealed].map((member) =>
    Buffer.from(member, 'base64'),
  )
  if (!salt || nonce?.length !== 24 || !ciphertext || ciphertext.length <= 16) return undefined
  return {...kdf.params, salt, nonce, ciphertext}
}

/** Bytes; cosign's keys need 64 MiB. */
const mostMemory = 256 * 1024 * 1024
/** Blocks that are mixed; cosign's keys ask for an eighth of it. */
const mostWork = 2 ** 22

/** The key of the box; `undefined` if making it would take more than a key file may ask for. */
function keyOf(password: string, {N, r, p, salt}: Box): Promise<Buffer | undefined> {
  const isPower = N > 1 && Number.isInteger(Math.log2(N))
  if (!isPower || 128 * N * r > mostMemory || N * r * p > mostWork)
    return Promise.resolve(undefined)
  // beside the memory itself a little is needed for each parallel part
  const cost = {N, r, p, maxmem: mostMemory + 32 * 1024 * 1024}
  return new Promise((resolve) => {
    try {
      scrypt(password, salt, 32, cost, (error, key) => resolve(error ? undefined : key))
    } catch {
      // costs that make no sense together
      resolve(undefined)
    }
  })
}

function locked(from: string, why: string): UsageError {
  return invalidKey(from, why, 'set INJECT_SIGN_PASSWORD or COSIGN_PASSWORD to its password')
}
