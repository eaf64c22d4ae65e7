import {chmod, readdir, rm} from 'node:fs/promises'

/**
 * Removes a file, link or folder with all that is in it; nothing there is fine. Folders of ours
 * that lack the rights to be emptied (mode 0555 or 000, as layers have them) get these first.
 * Symbolic links are removed, never followed.
 */
export async function removeTree(path: string | Buffer): Promise<void> {
  const remove = (): Promise<void> =>
    rm(path, {recursive: true, force: true, maxRetries: 3, retryDelay: 20})
  try {
    await remove()
  } catch {
    await openUp(Buffer.from(path))
    await remove()
  }
}

/** Names as bytes: a layer's need not be UTF-8. */
async function openUp(folder: Buffer): Promise<void> {
  const slash = Buffer.from('/')
  await chmod(folder, 0o700)
  for (const entry of await readdir(folder, {withFileTypes: true, encoding: 'buffer'})) {
    if (entry.isDirectory()) await openUp(Buffer.concat([folder, slash, entry.name]))
  }
}
