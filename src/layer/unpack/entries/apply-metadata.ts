import {fchmodSync, fchownSync, futimesSync, lchownSync, lutimesSync} from 'node:fs'
import {errnoOf} from '../../../disk/local-io-error.js'
import type {EntryMetadata} from '../../entry.js'

export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** What a new file is like already, so that it need not be set. */
export interface KnownMetadata {
  /** `undefined` if it is not known. */
  readonly owner: Owner | undefined
  /** Whether the mode is that of the entry. */
  readonly hasMode?: boolean
}

/** Gives files what an entry says of them beside their content. */
export interface MetadataWriter {
  /**
   * To an open file or directory, once its content is written: owner first, because a change of
   * owner takes setuid and capabilities away, then what `setXattrs` does while the owner may still
   * write, then mode and time.
   */
  toDescriptor(
    descriptor: number,
    metadata: EntryMetadata,
    setXattrs: () => void,
    now?: KnownMetadata,
  ): void
  /** Owner and time of what has no descriptor, such as a symlink itself. */
  toPath(path: string | Buffer, metadata: EntryMetadata): void
}

/**
 * Only root can give files away: for others owners stay the user's. Where root is not allowed to (a
 * user namespace), that is told once.
 */
export function createMetadataWriter(
  onWarning: (message: string) => void,
  isRoot = process.getuid?.() === 0,
): MetadataWriter {
  let givesAway = isRoot
  let told = false
  return {
    toDescriptor(descriptor, metadata, setXattrs, now) {
      const owner = now?.owner
      if (owner?.uid !== metadata.uid || owner.gid !== metadata.gid)
        giveAway(metadata, () => fchownSync(descriptor, metadata.uid, metadata.gid))
      setXattrs()
      if (now?.hasMode !== true) fchmodSync(descriptor, metadata.mode)
      futimesSync(descriptor, ...timesOf(metadata))
    },
    toPath(path, metadata) {
      giveAway(metadata, () => lchownSync(path, metadata.uid, metadata.gid))
      lutimesSync(path, ...timesOf(metadata))
    },
  }

  function giveAway(metadata: EntryMetadata, change: () => void): void {
    if (!givesAway) {
      if (!isRoot && !told && isOthers(metadata)) {
        told = true
        onWarning('not root, so owners were not restored; pass --owner 0:0 to update')
      }
      return
    }
    try {
      change()
    } catch (error) {
      if (!['EPERM', 'EINVAL', 'ENOTSUP'].includes(errnoOf(error) ?? '')) throw error
      givesAway = false
      onWarning('owners were not restored: even root is not allowed to set them here')
    }
  }
}

function isOthers({uid, gid}: EntryMetadata): boolean {
  return uid !== process.geteuid?.() || gid !== process.getegid?.()
}

/** A date, because Node interprets a negative number as "now". */
function timesOf({mtime}: EntryMetadata): [Date | number, Date | number] {
  const date = mtime >= 0 ? mtime : new Date(mtime * 1000)
  return [date, date]
}
