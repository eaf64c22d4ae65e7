import {createHash} from 'node:crypto'
import {IntegrityError} from '../errors.js'

declare const brand: unique symbol

/** `algorithm:hex`. Only this file makes one, so a bare string is never taken for a digest. */
export type Digest = `${DigestAlgorithm}:${string}` & {readonly [brand]: true}

/**
 * The two registered algorithms.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#registered-algorithms
 */
export type DigestAlgorithm = 'sha256' | 'sha512'

const grammar = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/

/**
 * Whether `text` is a digest of a registered algorithm, in the one spelling that the specification
 * allows (lower case).
 */
export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && grammar.test(text)
}

/**
 * Throws `IntegrityError` for anything that is not a digest; `of` names what should have had one.
 */
export function parseDigest(text: unknown, of = 'digest'): Digest {
  if (isDigest(text)) return text
  const found = typeof text === 'string' ? JSON.stringify(text.slice(0, 160)) : typeof text
  throw new IntegrityError('ERR_INJECT_DIGEST_INVALID', `${of} is not a digest: ${found}`)
}

/** `sha256` of `sha256:…`. */
export function algorithmOf(digest: Digest): DigestAlgorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256'
}

/** The hex part, as it names a blob's file in an OCI image layout. */
export function hexOf(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1)
}

/** Hashes what flows by. `digest()` may be called once, at the end. */
export interface Digester {
  update(bytes: Uint8Array): void
  digest(): Digest
}

export function createDigester(algorithm: DigestAlgorithm = 'sha256'): Digester {
  const hash = createHash(algorithm)
  return {
    update: (bytes) => void hash.update(bytes),
    digest: () => `${algorithm}:${hash.digest('hex')}` as Digest,
  }
}

export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): Digest {
  const digester = createDigester(algorithm)
  digester.update(bytes)
  return digester.digest()
}
