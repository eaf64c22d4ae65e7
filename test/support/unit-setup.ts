import type {TestProject} from 'vitest/node'
import {sharedMemoryFolder} from './memory-folder.js'

/** Before the unit tests: where they write. */
export default async function setup({provide}: TestProject): Promise<() => Promise<void>> {
  const memory = await sharedMemoryFolder()
  provide('memory', memory?.folder)
  return async () => memory?.release()
}
