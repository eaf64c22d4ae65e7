import {readdirSync} from 'node:fs'
import {createRequire} from 'node:module'
import {dirname, join} from 'node:path'
import {pathToFileURL} from 'node:url'
import {afterEach, describe, expect, it, vi} from 'vitest'
import {loadNative} from '../../../../src/layer/tree/xattrs/load-native.js'
import type {XattrBinding} from '../../../../src/layer/tree/xattrs/read-xattrs.js'
import {tempDir} from '../../../support/temp-dir.js'

const binding = 'xattr.linux-x64-gnu.node'
const folder = dirname(
  createRequire(import.meta.url).resolve(`@napi-rs/xattr-linux-x64-gnu/${binding}`),
)
const file = pathToFileURL(join(folder, binding))

afterEach(() => void vi.unstubAllEnvs())

describe('a native module is loaded from a file without a name', () => {
  // first, because the system knows a library that it has loaded by the descriptor's name
  it('but not one that is something else, for which each folder is tried', () => {
    const {errors} = thrownBy(() => loadNative(new URL('../walk.system.test.ts', import.meta.url)))
    expect(errors).toHaveLength(2)
  })

  it('in the folder for temporary files, in which nothing is left', async () => {
    const temporary = await tempDir()
    vi.stubEnv('TMPDIR', temporary)
    const native = loadNative(file) as XattrBinding
    expect(native.listAttributesSync(temporary)).toEqual(expect.any(Array))
    expect(readdirSync(temporary)).toEqual([])
  })

  it('or in memory, where that folder cannot be used', () => {
    vi.stubEnv('TMPDIR', '/nonexistent')
    expect(loadNative(file)).toHaveProperty('getAttributeSync')
  })
})

function thrownBy(act: () => unknown): AggregateError {
  try {
    act()
  } catch (error) {
    if (error instanceof AggregateError) return error
  }
  throw new Error('it did not fail')
}
