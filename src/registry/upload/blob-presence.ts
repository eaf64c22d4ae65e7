import {AuthenticationError, IntegrityError, NetworkError} from '../../errors.js'
import type {BlobReader, CallOptions} from '../../store/content-store.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import {statBlobByGet} from '../api/blobs.js'
import type {Connection} from '../api/connection.js'

/** The result of `putBlob`. */
export type Known = BlobInfo & {readonly written: boolean}

/**
 * Checks whether the registry has a blob, at three moments of an upload. All throw `IntegrityError`
 * when the blob has another size.
 */
export interface BlobPresence {
  /**
   * Before the upload: some registries allow a push but not a read; then the blob counts as
   * missing.
   */
  isThere(blob: BlobInfo, call: CallOptions): Promise<boolean>
  /** After a lost answer, because the request may have succeeded. */
  settled(blob: BlobInfo, call: CallOptions): Promise<Known | undefined>
  /**
   * After an answer that does not clearly confirm the blob. Throws `NetworkError` when it is
   * missing.
   */
  confirmed(blob: BlobInfo, call: CallOptions): Promise<Known>
}

export function createBlobPresence(connection: Connection, reader: BlobReader): BlobPresence {
  return {
    isThere,
    settled: async (blob, call) =>
      (await isThere(blob, call)) ? {...blob, written: true} : undefined,
    async confirmed(blob, call) {
      const found = (await stat(blob, call)) ?? (await statByGet(blob, call))
      if (found) return {...blob, written: true}
      throw new NetworkError(
        'ERR_INJECT_REGISTRY_ANSWER',
        `${connection.name} took blob ${blob.digest} but does not have it`,
      )
    },
  }

  async function isThere(blob: BlobInfo, call: CallOptions): Promise<boolean> {
    try {
      return (await stat(blob, call)) !== undefined
    } catch (error) {
      if (error instanceof AuthenticationError) return false
      throw error
    }
  }

  async function stat(blob: BlobInfo, call: CallOptions): Promise<BlobInfo | undefined> {
    return sized(blob, await reader.statBlob(blob.digest, call))
  }

  /** Some registries answer HEAD with 404 for an existing blob. */
  async function statByGet(blob: BlobInfo, call: CallOptions): Promise<BlobInfo | undefined> {
    return sized(blob, await statBlobByGet(connection, blob.digest, call))
  }

  function sized(blob: BlobInfo, found: BlobInfo | undefined): BlobInfo | undefined {
    if (found === undefined || found.size === blob.size) return found
    throw new IntegrityError(
      'ERR_INJECT_SIZE_MISMATCH',
      `${connection.name} has blob ${blob.digest} in another size: expected ${blob.size} bytes, found ${found.size}`,
      {expected: blob.size, found: found.size},
    )
  }
}
