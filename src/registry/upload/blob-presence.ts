import {AuthenticationError, IntegrityError, NetworkError} from '../../errors.js'
import type {BlobReader, CallOptions} from '../../store/content-store.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import {statBlobByGet} from '../api/blobs.js'
import type {Connection} from '../api/connection.js'

/** What `putBlob` gives back. */
export type Known = BlobInfo & {readonly written: boolean}

/**
 * Whether the registry has a blob, asked at the three moments of an upload. All throw
 * `IntegrityError` when it has it in another size.
 */
export interface BlobPresence {
  /**
   * Before: some registries let us push where they do not let us look, and then it is not there.
   */
  isThere(blob: BlobInfo, call: CallOptions): Promise<boolean>
  /** After a lost answer, which may have been a success. */
  settled(blob: BlobInfo, call: CallOptions): Promise<Known | undefined>
  /**
   * After an answer that did not say plainly that it has it. Throws `NetworkError` when it has not.
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

  /** Some registries answer the HEAD of a blob with 404 though it is there. */
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
