import {dirname} from 'node:path'
import {clearDead} from '../disk/owned-name.js'
import {syncFolder, writeTempFile} from '../disk/temp-file.js'
import {InjectError} from '../errors.js'
import {algorithmOf, type Digest} from '../oci/digest.js'
import {abortable} from '../stream/abortable.js'
import {drain} from '../stream/drain.js'
import {verified} from '../stream/verify.js'
import {blobNotFound} from './blob-not-found.js'
import type {BlobInfo, BlobReader, BlobWriter} from './content-store.js'
import {makeFolder} from './layout-create.js'
import {layoutPaths, readFileStream, statFile, tempPrefix} from './layout-files.js'

/** The blobs of a layout on disk; `name` is for messages. */
export function createLayoutBlobs(directory: string, name: string): BlobReader & BlobWriter {
  const pathOf = (digest: Digest): string => layoutPaths.blob(directory, digest)
  const open = (blob: BlobInfo, signal: AbortSignal | undefined): AsyncIterable<Uint8Array> =>
    verified(abortable(readFileStream(pathOf(blob.digest)), signal), blob, whatOf(blob, name))

  /** Reads it whole: a file that was cut or changed since is written again, not trusted for its name. */
  const isSound = async (blob: BlobInfo, signal: AbortSignal | undefined): Promise<boolean> => {
    try {
      if ((await statFile(pathOf(blob.digest)))?.size !== blob.size) return false
      await drain(open(blob, signal))
      return true
    } catch (error) {
      if (error instanceof InjectError) return false
      throw error
    }
  }

  let cleared: Promise<unknown> | undefined

  return {
    async statBlob(digest, {signal} = {}) {
      signal?.throwIfAborted()
      const stats = await statFile(pathOf(digest))
      return stats && {digest, size: stats.size}
    },

    async openBlob(blob, {signal} = {}) {
      signal?.throwIfAborted()
      const stats = await statFile(pathOf(blob.digest))
      if (stats === undefined) throw blobNotFound(blob.digest, name)
      return open(blob, signal)
    },

    async putBlob(source, {expected, signal} = {}) {
      signal?.throwIfAborted()
      await (cleared ??= clearDead(directory, tempPrefix))
      if (expected !== undefined && (await isSound(expected, signal)))
        return {digest: expected.digest, size: expected.size, written: false}
      const stream = abortable(source.open({signal}), signal)
      const file = await writeTempFile(
        expected === undefined
          ? stream
          : verified(stream, expected, `content of ${expected.digest}`),
        {
          folder: directory,
          prefix: tempPrefix,
          mode: 0o644,
          algorithm: expected && algorithmOf(expected.digest),
        },
      )
      try {
        const blob = {digest: file.digest, size: file.size}
        const target = pathOf(blob.digest)
        if (expected === undefined && (await isSound(blob, signal))) {
          // whoever wrote it may not have come so far yet
          await syncFolder(dirname(target))
          return {...blob, written: false}
        }
        await makeFolder(dirname(target))
        signal?.throwIfAborted()
        await file.commit(target)
        return {...blob, written: true}
      } finally {
        await file.discard()
      }
    },
  }
}

function whatOf(blob: BlobInfo, name: string): string {
  return `blob ${blob.digest} of ${name}`
}
