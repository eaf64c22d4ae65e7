import {type BigIntStats, lstatSync} from 'node:fs'
import {errnoOf, localIoError} from '../../disk/local-io-error.js'
import {type ByteString, fromText, readable, toPath} from '../byte-string.js'
import type {EntryMetadata} from '../entry.js'
import {describeFile} from './describe-file.js'
import type {WalkOptions} from './walk.js'

/** The entry that a walk would give for one path. */
export type FolderAt = (path: ByteString) => EntryMetadata | undefined

/**
 * The entries that `walk` has for folders in the root of the image and below, one at a time. Only
 * for a path whose folders above are known to be entries, too. `undefined` for what is not a
 * folder, not there, or left out. Throws `LocalIoError` where the system does not say.
 */
export function folderAt(
  directory: string,
  {owner, chmod, isExcluded}: Pick<WalkOptions, 'owner' | 'chmod' | 'isExcluded'>,
): FolderAt {
  return (path) => {
    // no file can have such a name, but a layer may contain it
    if (path.includes('\0')) return undefined
    const access = `${fromText(directory)}/${path}`
    const stat = folderStat(access)
    if (!stat || isExcluded?.(`${path}/`) === true) return undefined
    return describeFile({stat, path, access}, {owner, chmod, detail: 'names'}).entry
  }
}

function folderStat(access: ByteString): BigIntStats | undefined {
  try {
    const stat = lstatSync(toPath(access), {bigint: true, throwIfNoEntry: false})
    return stat?.isDirectory() === true ? stat : undefined
  } catch (error) {
    // a name from a layer that no file system can have
    if (['ENOTDIR', 'ENAMETOOLONG'].includes(errnoOf(error) ?? '')) return undefined
    throw localIoError(error, 'read', readable(access))
  }
}
