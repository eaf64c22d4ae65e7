import {open} from 'node:fs/promises'
import {dirname} from 'node:path'
import {localIoError} from '../../disk/local-io-error.js'
import {LimitError} from '../../errors.js'
import type {Fleet} from '../../fleet/fleet.js'
import {type Digest, digestOf} from '../../oci/digest.js'

/** A fleet file that was read. */
export interface ReadFleet {
  readonly fleet: Fleet
  /** Of its bytes. */
  readonly file: Digest
  /** The folder that its sources are relative to. */
  readonly folder: string
}

/** Reads a fleet file. Throws `LocalIoError`, and what `decodeFleet` throws. */
export async function readFleetFile(
  path: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ReadFleet> {
  const {decodeFleet, longestFile, tooLarge} = await import('../../fleet/file/decode-fleet.js')
  const bytes = await readUpTo(path, longestFile, tooLarge)
  const fleet = decodeFleet({name: path, text: bytes.toString('utf8'), env})
  return {fleet, file: digestOf(bytes), folder: dirname(path)}
}

async function readUpTo(
  path: string,
  most: number,
  tooLarge: (name: string) => LimitError,
): Promise<Buffer> {
  try {
    const handle = await open(path)
    try {
      const parts: Buffer[] = []
      let size = 0
      // a pipe has no size beforehand
      for (;;) {
        const {bytesRead, buffer} = await handle.read(Buffer.alloc(64 * 1024))
        if (bytesRead === 0) return Buffer.concat(parts)
        size += bytesRead
        if (size > most) throw tooLarge(path)
        parts.push(buffer.subarray(0, bytesRead))
      }
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw error instanceof LimitError ? error : localIoError(error, 'read', path)
  }
}
