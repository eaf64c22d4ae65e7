import {closeSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {openNameless} from '../../../disk/temp-file.js'
import {writeAll} from '../../../disk/write-all.js'
import {readProgramFile} from '../../../program/program-file.js'

/** In memory, for machines where nothing in the folder for temporary files may be executed. */
const inMemory = '/dev/shm'

/**
 * What a native module of the executable exports. The system loads files only: it gets one without
 * a name, in whose place nobody can put another, and of which nothing is left. Throws what the
 * system says when no folder is fit for that, and where there is no /proc.
 */
export function loadNative(file: URL): unknown {
  const bytes = readProgramFile(file)
  const errors: unknown[] = []
  for (const folder of [tmpdir(), inMemory]) {
    try {
      return loadFrom(folder, bytes)
    } catch (error) {
      errors.push(error)
    }
  }
  throw new AggregateError(errors, 'a native module cannot be loaded')
}

function loadFrom(folder: string, bytes: Uint8Array): unknown {
  const descriptor = openNameless(folder)
  try {
    writeAll(descriptor, bytes, 0)
    const module = {exports: {}}
    process.dlopen(module, `/proc/self/fd/${descriptor}`)
    return module.exports
  } finally {
    closeSync(descriptor)
  }
}
