import {execa} from 'execa'
import {existsSync} from 'node:fs'
import {mkdtemp, readdir, rm, rmdir, statfs, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

export interface MemoryFolder {
  readonly folder: string
  readonly release: () => Promise<void>
}

/** Bytes: several times what tests write at once. */
const enough = 6 * 1024 ** 3

/**
 * A folder in memory for what tests write: on a disk that takes a good part of their time.
 * `undefined` where memory is short or nothing may be mounted, and where files in memory have no
 * attributes of users, as before Linux 6.6.
 */
export async function memoryFolder(): Promise<MemoryFolder | undefined> {
  if (process.getuid?.() !== 0 || process.availableMemory() < enough) return undefined
  for (const left of await leftIn(tmpdir())) await release(left)
  const folder = await mkdtemp(join(tmpdir(), `inject-memory-${process.pid}-`))
  const mount = ['-t', 'tmpfs', '-o', 'mode=1777', 'tmpfs', folder]
  const {failed} = await execa('mount', mount, {reject: false})
  if (!failed && (await hasAttributes(folder))) return {folder, release: () => release(folder)}
  await release(folder)
  return undefined
}

/** Where Linux has a file system in memory that every user may write to. */
const sharedMemory = '/dev/shm'
/** Bytes: several times what unit tests write at once. Containers may have 64 MiB. */
const enoughForUnits = 1024 ** 3

/** The same for unit tests, which start no process and mount nothing: `undefined` without room. */
export async function sharedMemoryFolder(): Promise<MemoryFolder | undefined> {
  const {bavail, bsize} = await statfs(sharedMemory).catch(() => ({bavail: 0, bsize: 0}))
  if (bavail * bsize < enoughForUnits) return undefined
  // what another user left stays
  for (const left of await leftIn(sharedMemory))
    await rm(left, {recursive: true, force: true}).catch(() => undefined)
  const folder = await mkdtemp(join(sharedMemory, `inject-memory-${process.pid}-`))
  return {folder, release: () => rm(folder, {recursive: true, force: true})}
}

/** What runs that were killed have left: their process is in the name. */
async function leftIn(parent: string): Promise<string[]> {
  return (await readdir(parent))
    .filter((name) => {
      const [, pid] = /^inject-memory-(\d+)-/.exec(name) ?? []
      return pid !== undefined && !existsSync(`/proc/${pid}`)
    })
    .map((name) => join(parent, name))
}

async function release(folder: string): Promise<void> {
  await execa('umount', ['--lazy', folder], {reject: false})
  try {
    await rmdir(folder) // not recursive: only the place of the mount
  } catch (error) {
    // another run may clear what is left at the same time
    if (existsSync(folder)) throw error
  }
}

async function hasAttributes(folder: string): Promise<boolean> {
  const file = join(folder, 'file')
  await writeFile(file, '')
  const {failed} = await execa('setfattr', ['-n', 'user.a', '-v', 'b', file], {reject: false})
  await rm(file)
  return !failed
}
