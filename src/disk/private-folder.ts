import {chmod, lstat, mkdir} from 'node:fs/promises'
import {dirname} from 'node:path'

/** Makes a folder that only this user can look into; false where there can be none, or it is somebody else's. */
export async function isPrivateFolder(folder: string): Promise<boolean> {
  try {
    if (await isInOthersHome(folder)) return false
    await mkdir(folder, {recursive: true, mode: 0o700})
    const stats = await lstat(folder)
    if (!stats.isDirectory() || stats.uid !== process.getuid?.()) return false
    if ((stats.mode & 0o077) !== 0) await chmod(folder, 0o700)
    return true
  } catch {
    return false
  }
}

/** What `isPrivateFolder` would say, as far as that can be seen without making or changing anything. */
export async function mayBePrivateFolder(folder: string): Promise<boolean> {
  if (await isInOthersHome(folder)) return false
  for (let path = folder; ; path = dirname(path)) {
    const stats = await lstat(path).catch(() => undefined)
    if (stats && path === folder) return stats.isDirectory() && stats.uid === process.getuid?.()
    // a link on the way may lead to a folder
    if (stats) return !stats.isFile()
    if (path === dirname(path)) return false
  }
}

/** Root, where HOME is another user's: what it makes there that user could not use any more. */
async function isInOthersHome(folder: string): Promise<boolean> {
  if (process.getuid?.() !== 0) return false
  for (let path = folder; ; path = dirname(path)) {
    const stats = await lstat(path).catch(() => undefined)
    if (stats) return stats.uid !== 0
    if (path === dirname(path)) return false
  }
}
