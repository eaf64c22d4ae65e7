import {dirname} from 'node:path'
import {clearDead} from '../../disk/owned-name.js'
import {syncFolder} from '../../disk/temp-file.js'
import type {Digest} from '../../oci/digest.js'
import {abortable} from '../../stream/bytes.js'
import {verified} from '../../stream/verify.js'
import {isSoundFile} from './sound-file.js'
import {blobNotFound} from '../store-errors.js'
import type {BlobReader, BlobWriter} from '../content-store.js'
import {fileRanges} from '../file-ranges.js'
import type {RangeReader} from '../range-reader.js'
import {makeFolder, refuseLostBlobs} from './create.js'
import {readFileStream, statFile} from '../../disk/read-file.js'
import {layoutPaths, tempPrefix} from './paths.js'
import {writeBlobContent} from './write-blob-content.js'

/** The blobs of a layout on disk; `name` is for messages. */
export function createLayoutBlobs(
  directory: string,
  name: string,
): BlobReader & BlobWriter & RangeReader {
  const pathOf = (digest: Digest): string => layoutPaths.blob(directory, digest)
  let cleared: Promise<unknown> | undefined

  return {
    ...fileRanges(async ({digest, size}) => {
      const stats = await statFile(pathOf(digest))
      return stats?.size === size ? {path: pathOf(digest), offset: 0} : undefined
    }),

    async statBlob(digest, {signal} = {}) {
      signal?.throwIfAborted()
      const stats = await statFile(pathOf(digest))
      if (stats === undefined) await refuseLostBlobs(directory, name)
      return stats && {digest, size: stats.size}
    },

    async openBlob(blob, {signal} = {}) {
      signal?.throwIfAborted()
      const stats = await statFile(pathOf(blob.digest))
      if (stats === undefined) {
        await refuseLostBlobs(directory, name)
        throw blobNotFound(blob.digest, name)
      }
      const bytes = abortable(readFileStream(pathOf(blob.digest)), signal)
      return verified(bytes, blob, `blob ${blob.digest} of ${name}`)
    },

    async putBlob(source, {expected, signal} = {}) {
      signal?.throwIfAborted()
      await (cleared ??= clearDead(directory, tempPrefix))
      // a file that was cut or changed since is written again, not trusted for its name
      if (expected !== undefined && (await isSoundFile(pathOf(expected.digest), expected, signal)))
        return {digest: expected.digest, size: expected.size, written: false}
      const file = await writeBlobContent(directory, source, {expected, signal})
      try {
        const blob = {digest: file.digest, size: file.size}
        const target = pathOf(blob.digest)
        if (expected === undefined && (await isSoundFile(target, blob, signal))) {
          // its writer might not have come so far yet
          await syncFolder(dirname(target))
          return {...blob, written: false}
        }
        await makeFolder(dirname(target), layoutPaths.blobs(directory))
        signal?.throwIfAborted()
        await file.commit(target)
        return {...blob, written: true}
      } finally {
        await file.discard()
      }
    },
  }
}
