import {createHash} from 'node:crypto'
import {createSHA256, createSHA512} from 'hash-wasm'
import {type Digest, type DigestAlgorithm, parseDigest} from '../../../oci/digest.js'

/** The hash of what an upload session has received so far. */
export interface UploadHash {
  readonly algorithm: DigestAlgorithm
  /** How many bytes it has seen. */
  readonly size: number
  update(bytes: Uint8Array): void
  /** Of what it has seen; it may see more afterwards. */
  digest(): Digest
  /**
   * What `restoreUploadHash` goes on from; `undefined` for a hash that lives in this process only.
   */
  save(): Uint8Array | undefined
}

/** At full speed, by OpenSSL, whose state cannot be stored. */
export function createUploadHash(algorithm: DigestAlgorithm): UploadHash {
  const hash = createHash(algorithm)
  let size = 0
  return {
    algorithm,
    get size() {
      return size
    },
    update(bytes) {
      hash.update(bytes)
      size += bytes.length
    },
    digest: () => parseDigest(`${algorithm}:${hash.copy().digest('hex')}`),
    save: () => undefined,
  }
}

/**
 * At a third of the speed, with a state that can be stored. `undefined` when `saved` is not one
 * that this version can go on from.
 */
export async function restoreUploadHash(
  algorithm: DigestAlgorithm,
  saved?: {readonly size: number; readonly state: Uint8Array},
): Promise<UploadHash | undefined> {
  const hash = await (algorithm === 'sha512' ? createSHA512() : createSHA256())
  let size = saved?.size ?? 0
  try {
    if (saved === undefined) hash.init()
    else hash.load(saved.state)
    // eslint-disable-next-line no-restricted-syntax -- no file: a state of another version
  } catch {
    return undefined
  }
  return {
    algorithm,
    get size() {
      return size
    },
    update(bytes) {
      hash.update(bytes)
      size += bytes.length
    },
    digest() {
      const state = hash.save()
      const digest = parseDigest(`${algorithm}:${hash.digest()}`)
      hash.load(state)
      return digest
    },
    save: () => hash.save(),
  }
}
