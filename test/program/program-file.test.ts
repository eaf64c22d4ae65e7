import {readFileSync} from 'node:fs'
import {expect, it} from 'vitest'
import {isAsset, readProgramFile} from '../../src/program/program-file.js'

it('a file beside a module is read from there', () => {
  const file = new URL('../../src/program/README.md', import.meta.url)
  expect(isAsset(file)).toBe(false)
  expect(Buffer.from(readProgramFile(file)).equals(readFileSync(file))).toBe(true)
})

it('a file beside a module of the executable is an asset, which other programs do not have', () => {
  const file = new URL('../man/inject.1', 'asset:/commands/man.js')
  expect(file.href).toBe('asset:/man/inject.1')
  expect(isAsset(file)).toBe(true)
  expect(() => readProgramFile(file)).toThrow(
    expect.objectContaining({code: 'ERR_NOT_IN_SINGLE_EXECUTABLE_APPLICATION'}) as Error,
  )
})
