import {execa} from 'execa'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import type {TestProject} from 'vitest/node'
import {buildThreads} from '../../bin/threads.mjs'
import {memoryFolder} from './memory-folder.js'
import {reachableProject} from './reachable-project.js'
import {missingTools, type Tool} from './tools.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** This repository where other users may enter it. */
    reachable: string
    /** The folder for V8's code of the built command: most runs are over before V8 gets warm. */
    codeCache: string
    /** A folder for what tests make once and only read. */
    shared: string
    /** Where tests write: a folder in memory; `undefined` where there is none to be had. */
    memory: string | undefined
    /** A folder on a disk, for tests of what file systems in memory do not have. */
    disk: string
  }
}

/** Before all tests: the programs that they use, and a place where other users find this one. */
export default async function setup({provide}: TestProject): Promise<() => Promise<void>> {
  await ensureTools(process.env['TEST_TOOLS'])
  // the thread that reads is of the sources as they are now
  await buildThreads()
  const {folder, release} = await reachableProject()
  provide('reachable', folder)
  const codeCache = await mkdtemp(join(tmpdir(), 'inject-code-'))
  provide('codeCache', codeCache)
  const memory = await memoryFolder()
  provide('memory', memory?.folder)
  provide('disk', tmpdir())
  const shared = await mkdtemp(join(tmpdir(), 'inject-shared-'))
  provide('shared', shared)
  return async () => {
    await memory?.release()
    await rm(shared, {recursive: true})
    await release()
    await rm(codeCache, {recursive: true})
  }
}

/**
 * Throws where programs that the tests use are missing, and names their Debian packages.
 * `TEST_TOOLS=install`, as in `npm test`, lets root install them first; with `TEST_TOOLS=skip`, the
 * tests that need a missing program are skipped, and their titles say so. CI never skips.
 */
async function ensureTools(choice: string | undefined): Promise<void> {
  let missing = await missingTools()
  if (missing.length > 0 && choice === 'install' && process.getuid?.() === 0) {
    await install(missing)
    missing = await missingTools()
  }
  if (missing.length === 0 || (choice === 'skip' && !process.env['CI'])) return
  throw new Error(
    `the tests need programs that are not installed: ${missing.map(({name}) => name).join(', ')}
install them:   apt-get install --no-install-recommends ${packagesOf(missing).join(' ')}
or run the tests as root with TEST_TOOLS=install, or skip what needs them with TEST_TOOLS=skip`,
  )
}

async function install(tools: readonly Tool[]): Promise<void> {
  await execa('apt-get', ['update'], {reject: false, timeout: 300_000})
  await execa('apt-get', ['install', '-y', '--no-install-recommends', ...packagesOf(tools)], {
    env: {DEBIAN_FRONTEND: 'noninteractive'},
    reject: false,
    timeout: 600_000,
  })
}

const packagesOf = (tools: readonly Tool[]): string[] => [
  ...new Set(tools.map((tool) => tool.package)),
]
