import {chmod, lstat, mkdir} from 'node:fs/promises'

/** Makes a folder that only this user can look into; false where there can be none, or it is somebody else's. */
export async function isPrivateFolder(folder: string): Promise<boolean> {
  try {
    await mkdir(folder, {recursive: true, mode: 0o700})
    const stats = await lstat(folder)
    if (!stats.isDirectory() || stats.uid !== process.getuid?.()) return false
    if ((stats.mode & 0o077) !== 0) await chmod(folder, 0o700)
    return true
  } catch {
    return false
  }
}
