import {createHash} from 'node:crypto'
import {open, rename, rm} from 'node:fs/promises'
import {join} from 'node:path'
import {keepNewest} from '../../disk/keep-newest.js'
import {ownedName} from '../../disk/owned-name.js'
import {readOwnShared} from '../../disk/private-folder.js'

/** Bytes of one file: a little more than the largest recording. */
const longest = 144 * 1024 * 1024
/** Bytes of all files in the folder; the oldest are removed. */
const mostBytes = 512 * 1024 * 1024
/** What memory-file.ts clears after a crash, too. */
const temporary = '.memory-'
const digestLength = 32

/**
 * The walk that was written there with this key, in memory that threads can share; `undefined` for
 * no such walk.
 */
export async function readWalk(path: string, key: string): Promise<Uint8Array | undefined> {
  const bytes = await readOwnShared(path, longest)
  if (!bytes || bytes.length < digestLength) return undefined
  const walk = bytes.subarray(digestLength)
  return checksum(key, [walk]).equals(bytes.subarray(0, digestLength)) ? walk : undefined
}

/** Not synced: a file that a crash has damaged counts as absent. */
export async function writeWalk(
  path: string,
  key: string,
  walk: readonly Uint8Array[],
): Promise<void> {
  const own = join(path, '..', ownedName(temporary))
  try {
    await writeNew(own, [checksum(key, walk), ...walk])
    await rename(own, path)
  } finally {
    await rm(own, {force: true})
  }
}

/** Writes each piece in one call, where `writeFile` would write 512 KiB at a time. */
async function writeNew(path: string, pieces: readonly Uint8Array[]): Promise<void> {
  const handle = await open(path, 'wx', 0o600)
  try {
    for (const piece of pieces)
      for (let at = 0; at < piece.length;)
        at += (await handle.write(piece, at, piece.length - at)).bytesWritten
  } finally {
    await handle.close()
  }
}

/** Keeps the newest ones. */
export function clearOldestWalks(folder: string): Promise<void> {
  return keepNewest(folder, (name) => /^[0-9a-f]{32}\.walk$/.test(name), {bytes: mostBytes})
}

/** Of both: the walk of another key is damaged. */
function checksum(key: string, walk: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256').update(`${key}\n`)
  for (const part of walk) hash.update(part)
  return hash.digest()
}
