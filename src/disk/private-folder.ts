import type {Stats} from 'node:fs'
import {chmod, lstat, mkdir} from 'node:fs/promises'
import {isTrustedFolder} from './trusted-folder.js'
import {createHash} from 'crypto'
import {constants} from 'fs'
import {type FileHandle, open} from 'fs/promises'

/**
 * Makes a folder that only this user can look into; false where there can be none, or somebody else
 * has a say in what is in it.
 */
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

/**
 * What `isPrivateFolder` would say, as far as that can be seen without making or changing anything.
 */
export async function mayBePrivateFolder(folder: string): Promise<boolean> {
  if (!isTrustedFolder(folder)) return false
  return lstat(folder).then(isOwnFolder, () => true)
}

function isOwnFolder(stats: Stats): boolean {
  return stats.isDirectory() && stats.uid === process.geteuid?.()
}
/**
 * What a file is named that one run leaves for the next of the same work: 32 hexadecimal digits,
 * the same for the same words in the same order.
 */
export function identityName(identity: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 32)
}
/**
 * The bytes of a small file; as `readOwnFile`.
 */
export async function readOwnBytes(path: string, longest: number): Promise<Buffer | undefined> {
  return readOwn(path, longest, (handle) => handle.readFile())
}

/** The same in memory that threads can share; `undefined`, too, if the file changed meanwhile. */
export async function readOwnShared(path: string, longest: number): Promise<Buffer | undefined> {
  return readOwn(path, longest, async (handle, size) => {
    const bytes = Buffer.from(new SharedArrayBuffer(size))
    let length = 0
    for (let got = -1; length < size && got !== 0; length += got)
      got = (await handle.read(bytes, length, size - length, length)).bytesRead
    return length === size ? bytes : undefined
  })
}

/**
 * The text of a small file; `undefined` for what is not there, not a file of this user's, or larger
 * than `longest` bytes.
 */
export async function readOwnFile(path: string, longest: number): Promise<string | undefined> {
  return readOwn(path, longest, (handle) => handle.readFile('utf8'))
}

async function readOwn<T>(
  path: string,
  longest: number,
  read: (handle: FileHandle, size: number) => Promise<T | undefined>,
): Promise<T | undefined> {
  try {
    // a FIFO of that name must not keep us waiting
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
    const handle = await open(path, flags)
    try {
      const stats = await handle.stat()
      if (!stats.isFile() || stats.size > longest) return undefined
      if (stats.uid !== process.getuid?.()) return undefined
      return await read(handle, stats.size)
    } finally {
      await handle.close()
    }
  } catch {
    return undefined
  }
}
