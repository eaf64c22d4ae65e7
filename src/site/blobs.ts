import {rename} from 'node:fs/promises'
import {localIoError} from '../disk/local-io-error.js'
import {clearDead} from '../disk/owned-name.js'
import {syncFolder, writeTempFile} from '../disk/temp-file.js'
import {LocalIoError} from '../errors.js'
import {addToPool, linkBlob, syncFile} from '../store/served/blobs/blob-files.js'
import {isSoundFile} from '../store/layout/sound-file.js'
import {renewLease} from '../store/served/blobs/lease.js'
import type {BlobSource, BlobWriter, CallOptions} from '../store/content-store.js'
import type {BlobInfo} from '../oci/descriptor.js'
import {isAbsent} from '../disk/error-answers.js'
import {tempPrefix} from '../store/layout/paths.js'
import {checkedContent} from '../store/layout/write-blob-content.js'
import {makeNameFolders} from './folders.js'
import {namePaths, sitePaths} from './paths.js'

/**
 * Puts blobs into a repository of a site, where nothing names them yet. Each is whole and right
 * before it has its name; what another repository of the site has is linked, when it was read and
 * found right. All get a lease, so that no collector takes them before their manifest comes.
 */
export function createSiteBlobs(site: string, name: string): BlobWriter {
  const folder = sitePaths.repository(site, name)
  let prepared: Promise<unknown> | undefined

  const put = async (
    source: BlobSource,
    expected: BlobInfo,
    {signal}: CallOptions,
  ): Promise<boolean> => {
    const target = namePaths.blob(folder, expected.digest)
    const pooled = sitePaths.pooled(site, expected.digest)
    if ((await isSoundFile(target, expected)) && (await renewLease(target))) {
      // its writer might not have come so far yet
      await syncFolder(namePaths.blobs(folder))
      return false
    }
    if ((await isSoundFile(pooled, expected)) && (await linkBlob(pooled, target, folder)))
      return true
    const file = await writeTempFile(checkedContent(source, expected, signal), {
      folder,
      prefix: tempPrefix,
      mode: 0o644,
      known: expected.digest,
    })
    try {
      signal?.throwIfAborted()
      await syncFile(file.path)
      await renewLease(file.path)
      await rename(file.path, target).catch((error: unknown) => {
        throw localIoError(error, 'write', target)
      })
      await syncFolder(namePaths.blobs(folder))
      await addToPool(target, pooled, site)
      return true
    } finally {
      // closes it; the name is gone already
      await file.discard()
    }
  }

  return {
    async putBlob(source, {expected, signal} = {}) {
      if (expected === undefined) throw new TypeError('a site takes blobs whose digest is known')
      try {
        await (prepared ??= makeNameFolders(site, name).then(() => clearDead(folder, tempPrefix)))
        return {...expected, written: await put(source, expected, {signal})}
      } catch (error) {
        if (!(error instanceof LocalIoError) || !isAbsent(error.cause)) throw error
        // somebody has removed the last tag, and the folders with it
        await makeNameFolders(site, name)
        return {...expected, written: await put(source, expected, {signal})}
      }
    },
  }
}
