import {closeSync, openSync, readdirSync, renameSync, rmSync, statSync} from 'node:fs'
import {join} from 'node:path'
import {identityName, isPrivateFolder} from '../../disk/private-folder.js'
import {clearDead, ownedName} from '../../disk/owned-name.js'
import type {BlockCache} from './block-cache.js'
import {type BlockFile, createBlockFile, openBlockFile, type StoredBlock} from './block-file.js'

export interface BlockCacheOptions {
  /** Where the files are; made when it is not there. */
  readonly folder: string
  /** What is packed. Each such thing has one file, with the blocks of its last run. */
  readonly identity: readonly string[]
  /** Bytes of all files together, at most. */
  readonly limit: number
  readonly onNotice: (text: string) => void
}

const suffix = '.blocks'
const temporary = '.blocks-'

/** Files looked into, newest first, besides the own one. */
const mostFiles = 64

/**
 * Runs `work` with compressed blocks of earlier runs, of any directory, and keeps those of this run
 * when it has succeeded: in place of the ones of the run before. The least recently written files
 * go when there are too many bytes. Any number of processes may do so at once. Where there can be
 * no such folder, and from when the disk is full, nothing is remembered.
 */
export async function withBlockCache<T>(
  options: BlockCacheOptions,
  work: (cache: BlockCache | undefined) => Promise<T>,
): Promise<T> {
  const {folder, identity, limit, onNotice} = options
  if (!(await isPrivateFolder(folder))) {
    onNotice(`there cannot be a cache of blocks in ${folder}: it is not a folder of this user`)
    return work(undefined)
  }
  await clearDead(folder, temporary)
  const own = identityName(identity)
  const writer = openWriter(folder, onNotice)
  const reader = createReader(folder, `${own}${suffix}`)
  try {
    const result = await work({
      get(key) {
        const block = reader.get(key)
        if (block) writer.add(key, block.bytes, block.digest)
        return block?.bytes
      },
      put: writer.add,
    })
    writer.commit(join(folder, `${own}${suffix}`))
    evict(folder, limit)
    return result
  } finally {
    reader.close()
    writer.discard()
  }
}

/** Files are opened when a block was not in the ones before. */
function createReader(folder: string, own: string) {
  const names = [
    own,
    ...list(folder)
      .map(({name}) => name)
      .filter((name) => name !== own),
  ]
  const waiting = names.slice(0, mostFiles + 1)
  const files: BlockFile[] = []
  return {
    get(key: string): StoredBlock | undefined {
      for (const file of files) {
        const block = file.read(key)
        if (block) return block
      }
      for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
        const file = openBlockFile(join(folder, name))
        if (!file) continue
        files.push(file)
        const block = file.read(key)
        if (block) return block
      }
      return undefined
    },
    close: () => files.forEach((file) => file.close()),
  }
}

/** Writes a file of blocks of its own; gives up, and says so once, when that fails. */
function openWriter(folder: string, onNotice: (text: string) => void) {
  const path = join(folder, ownedName(temporary))
  let descriptor: number | undefined
  let file: ReturnType<typeof createBlockFile> | undefined
  const attempt = (step: () => void): void => {
    try {
      step()
    } catch (error) {
      onNotice(`blocks are not remembered for the next run: ${(error as Error).message}`)
      discard()
    }
  }
  const discard = (): void => {
    file = undefined
    if (descriptor === undefined) return
    closeSync(descriptor)
    descriptor = undefined
    rmSync(path, {force: true})
  }
  attempt(() => {
    descriptor = openSync(path, 'wx', 0o600)
    file = createBlockFile(descriptor)
  })
  return {
    add: (key: string, bytes: Uint8Array, digest?: string): void =>
      attempt(() => file?.add(key, bytes, digest)),
    /** Not made durable: what a crash spoils is seen by its digest. */
    commit: (target: string): void =>
      attempt(() => {
        if (!file || descriptor === undefined) return
        file.finish()
        renameSync(path, target)
        closeSync(descriptor)
        file = descriptor = undefined
      }),
    discard,
  }
}

function evict(folder: string, limit: number): void {
  let total = 0
  for (const {name, size} of list(folder)) {
    // one that is too large by itself goes without the others
    if (total + size > limit) rmSync(join(folder, name), {force: true})
    else total += size
  }
}

/** The files, the newest first. */
function list(folder: string): {name: string; size: number; mtimeMs: number}[] {
  const found = readdirSync(folder)
    .filter((name) => /^[0-9a-f]{32}\.blocks$/.test(name))
    .flatMap((name) => {
      const stat = statSync(join(folder, name), {throwIfNoEntry: false})
      return stat ? [{name, size: stat.size, mtimeMs: stat.mtimeMs}] : []
    })
  return found.sort((a, b) => b.mtimeMs - a.mtimeMs)
}
