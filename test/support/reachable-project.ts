import {execa} from 'execa'
import {chmod, cp, mkdtemp, rm, rmdir, stat} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import {fileURLToPath} from 'node:url'

const project = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

/**
 * This repository where every user of the machine may enter it, for programs that tests run as
 * another user.
 */
export interface ReachableProject {
  readonly folder: string
  readonly release: () => Promise<void>
}

/**
 * The repository itself where others may enter all folders above it. Else, as for a clone below
 * `/root`, root binds it to a temporary folder, or copies it where nothing may be mounted.
 */
export async function reachableProject(): Promise<ReachableProject> {
  if (process.getuid?.() !== 0 || (await mayEnter(project)))
    return {folder: project, release: () => Promise.resolve()}
  const folder = await mkdtemp(join(tmpdir(), 'inject-reachable-'))
  await chmod(folder, 0o755)
  const {failed} = await execa('mount', ['--bind', project, folder], {reject: false})
  if (failed) {
    for (const name of ['bin', 'commands', 'dist', 'node_modules', 'src', 'test'])
      await cp(join(project, name), join(folder, name), {recursive: true, verbatimSymlinks: true})
    for (const name of ['package.json', 'oclif.manifest.json', 'tsconfig.json'])
      await cp(join(project, name), join(folder, name))
    return {folder, release: () => rm(folder, {recursive: true})}
  }
  const release = async (): Promise<void> => {
    await execa('umount', ['--lazy', folder])
    await rmdir(folder) // not recursive: what is bound there is the repository
  }
  return {folder, release}
}

/** Whether everybody may enter the folder and those above it. */
async function mayEnter(folder: string): Promise<boolean> {
  for (let at = folder; ; at = dirname(at)) {
    if (((await stat(at)).mode & 0o001) === 0) return false
    if (at === dirname(at)) return true
  }
}
