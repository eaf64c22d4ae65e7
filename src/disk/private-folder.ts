import type {Stats} from 'node:fs'
import {chmod, lstat, mkdir} from 'node:fs/promises'
import {isTrustedFolder} from './trusted-folder.js'

/** Makes a folder that only this user can look into; false where there can be none, or somebody else has a say in what is in it. */
export async function isPrivateFolder(folder: string): Promise<boolean> {
  try {
    if (!isTrustedFolder(folder)) return false
    await mkdir(folder, {recursive: true, mode: 0o700})
    const stats = await lstat(folder)
    if (!isOwnFolder(stats)) return false
    if ((stats.mode & 0o077) !== 0) await chmod(folder, 0o700)
    // another user may have made a part of it
    return isTrustedFolder(folder)
  } catch {
    return false
  }
}

/** What `isPrivateFolder` would say, as far as that can be seen without making or changing anything. */
export async function mayBePrivateFolder(folder: string): Promise<boolean> {
  if (!isTrustedFolder(folder)) return false
  return lstat(folder).then(isOwnFolder, () => true)
}

function isOwnFolder(stats: Stats): boolean {
  return stats.isDirectory() && stats.uid === process.geteuid?.()
}
