import {
  closeSync,
  constants,
  futimesSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import {dirname, join} from 'node:path'
import {identityName, isPrivateFolder} from '../../disk/private-folder.js'
import {clearDead, ownedName} from '../../disk/owned-name.js'
import {type BlockUse, createBlockAccess, type SharedBlocks} from './block-access.js'
import type {BlockCache} from './block-cache.js'
import {type BlockFile, headerLength, openBlockFile} from './block-file.js'
import {keepBlocks} from './keep-blocks.js'

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

/**
 * Files looked into, newest first, besides the own one; and the bytes of their indexes together.
 */
const mostFiles = 64
const mostIndexBytes = 64 * 1024 * 1024

/**
 * Runs `work` with compressed blocks of earlier runs, of any directory, and keeps those of this run
 * when it has succeeded: new ones are added to the file of the run before. The least recently used
 * files go when there are too many bytes. Any number of processes may do so at once. Where there
 * can be no such folder, and from when the disk is full, nothing is remembered.
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
  const name = `${identityName(identity)}${suffix}`
  const own = openBlockFile(join(folder, name), constants.O_RDWR)
  const others = openOthers(folder, name)
  const path = join(folder, ownedName(temporary))
  const {descriptor: fresh, failure} = create(path)
  try {
    const shared: SharedBlocks = {
      files: [...(own ? [own] : []), ...others].map(({descriptor, index}) => ({descriptor, index})),
      hasOwn: own !== undefined,
      fresh,
      end: new BigInt64Array(new SharedArrayBuffer(8)).fill(BigInt(headerLength)),
    }
    const uses: BlockUse[] = []
    const access = createBlockAccess(shared)
    const result = await work({
      get: (key) => access.read(key, (length) => Buffer.allocUnsafeSlow(length)),
      put: (key, bytes) => access.add(key, bytes),
      shared,
      note: (use) => void uses.push(use),
    })
    uses.push(access.takeUse())
    const run = {own, fresh, shared, uses, limit}
    const problem = failure ?? commit(run, path, join(folder, name))
    if (problem !== undefined) onNotice(`blocks are not remembered for the next run: ${problem}`)
    return result
  } finally {
    for (const file of [own, ...others]) file?.close()
    if (fresh !== undefined) closeSync(fresh)
    rmSync(path, {force: true})
  }
}

function openOthers(folder: string, own: string): BlockFile[] {
  const files: BlockFile[] = []
  let bytes = 0
  for (const {name} of list(folder)) {
    if (files.length === mostFiles || bytes > mostIndexBytes) break
    const file = name === own ? undefined : openBlockFile(join(folder, name))
    if (!file) continue
    files.push(file)
    bytes += file.index.length
  }
  return files
}

function create(path: string): {readonly descriptor?: number; readonly failure?: string} {
  try {
    return {descriptor: openSync(path, 'wx+', 0o600)}
  } catch (error) {
    return {failure: (error as Error).message}
  }
}

/** The files of a run, and what its threads did with them. */
interface FinishedRun {
  readonly own: BlockFile | undefined
  readonly fresh: number | undefined
  readonly shared: SharedBlocks
  readonly uses: readonly BlockUse[]
  readonly limit: number
}

/** What stood in the way, if anything did. Not made durable: what a crash spoils is seen. */
function commit(run: FinishedRun, path: string, target: string): string | undefined {
  const {own, fresh, shared, uses, limit} = run
  const failure = uses.find((use) => use.failure !== undefined)?.failure
  if (failure !== undefined || fresh === undefined) return failure
  try {
    const end = Number(shared.end[0])
    const kept = keepBlocks(own, {descriptor: fresh, end}, uses, limit)
    if (kept === 'fresh') renameSync(path, target)
    // what was used last is removed last
    else if (own) futimesSync(own.descriptor, Date.now() / 1000, Date.now() / 1000)
    evict(dirname(target), limit)
    return undefined
  } catch (error) {
    return (error as Error).message
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
