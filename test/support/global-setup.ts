import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import type {TestProject} from 'vitest/node'
import {buildThreads} from '../../bin/threads.mjs'
import {ensureTools} from './ensure-tools.js'
import {memoryFolder} from './memory-folder.js'
import {reachableProject} from './reachable-project.js'

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
