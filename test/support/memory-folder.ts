import {execa} from 'execa'
import {mkdtemp, rm, rmdir, writeFile} from 'node:fs/promises'
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
  const folder = await mkdtemp(join(tmpdir(), 'inject-memory-'))
  const mount = ['-t', 'tmpfs', '-o', 'mode=1777', 'tmpfs', folder]
  const {failed} = await execa('mount', mount, {reject: false})
  const release = async (): Promise<void> => {
    if (!failed) await execa('umount', ['--lazy', folder])
    await rmdir(folder)
  }
  if (!failed && (await hasAttributes(folder))) return {folder, release}
  await release()
  return undefined
}

async function hasAttributes(folder: string): Promise<boolean> {
  const file = join(folder, 'file')
  await writeFile(file, '')
  const set = await execa('setfattr', ['-n', 'user.a', '-v', 'b', file], {reject: false})
  await rm(file)
  return !set.failed
}
