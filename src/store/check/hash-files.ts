import {algorithmOf, type Digest} from '../../oci/digest.js'
import {measured} from '../../stream/bytes.js'
import {readFileStream, statFile} from '../../disk/read-file.js'

/**
 * The digest of a file's content, by the algorithm of the one that it should have; `undefined` when
 * there is no file (any more).
 */
export type HashFile = (path: string, digest: Digest) => Promise<Digest | undefined>

export interface FileHasher {
  readonly hash: HashFile
  /** Files that were read so far, and their bytes. */
  readonly total: () => {readonly files: number; readonly bytes: number}
}

/**
 * Hashes files, one that has several names once. `onBytes` hears how many bytes were read of all so
 * far.
 */
export function createFileHasher(onBytes: (bytes: number) => void): FileHasher {
  const seen = new Map<string, Digest>()
  let files = 0
  let bytes = 0
  return {
    total: () => ({files, bytes}),
    async hash(path, digest) {
      const stats = await statFile(path)
      if (stats === undefined) return undefined
      const key = `${stats.dev}-${stats.ino}-${stats.size}-${algorithmOf(digest)}`
      const known = seen.get(key)
      if (known !== undefined) return known
      const {stream, result} = measured(readFileStream(path, {recycle: true}), algorithmOf(digest))
      try {
        for await (const {length} of stream) {
          bytes += length
          onBytes(bytes)
        }
      } catch (error) {
        // deleted since
        if ((await statFile(path)) === undefined) return undefined
        throw error
      }
      const {digest: found} = result()
      seen.set(key, found)
      files++
      return found
    },
  }
}
