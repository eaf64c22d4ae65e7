import {execa} from 'execa'
import {existsSync} from 'node:fs'
import {mkdtemp, readdir, rm, rmdir, writeFile} from 'node:fs/promises'
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
  await releaseLeft()
  const folder = await mkdtemp(join(tmpdir(), `inject-memory-${process.pid}-`))
  const mount = ['-t', 'tmpfs', '-o', 'mode=1777', 'tmpfs', folder]
  const {failed} = await execa('mount', mount, {reject: false})
  if (!failed && (await hasAttributes(folder))) return {folder, release: () => release(folder)}
  await release(folder)
  return undefined
}

/** What runs that were killed have left: their process is in the name. */
async function releaseLeft(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const [, pid] = /^inject-memory-(\d+)-/.exec(name) ?? []
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) await release(join(tmpdir(), name))
  }
}

async function release(folder: string): Promise<void> {
  await execa('umount', ['--lazy', folder], {reject: false})
  await rmdir(folder) // not recursive: only the place of the mount
}

async function hasAttributes(folder: string): Promise<boolean> {
  const file = join(folder, 'file')
  await writeFile(file, '')
  const {failed} = await execa('setfattr', ['-n', 'user.a', '-v', 'b', file], {reject: false})
  await rm(file)
  return !failed
}
