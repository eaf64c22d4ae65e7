import {join} from 'node:path'
import {expect, it} from 'vitest'
import {splitWords} from '../../../../src/cli/flags/commands/status-words.js'
import {parseReference} from '../../../../src/oci/names/reference.js'
import {tempDir} from '../../../support/temp-dir.js'

it('one word is an image, whatever else it could be', async () => {
  expect(splitWords(['registry.example/app'])).toEqual({
    images: [parseReference('registry.example/app')],
    directory: undefined,
  })
  expect(() => splitWords(['./app'])).toThrow()
  expect(splitWords([`oci:${await tempDir()}`]).directory).toBeUndefined()
})

it.each(['./tree', '../tree', '/tree', '.', '..'])('%s as the last word is a directory', (word) => {
  expect(splitWords(['app:v1', 'app:v2', word])).toEqual({
    images: [parseReference('app:v1'), parseReference('app:v2')],
    directory: word,
  })
})

it('so is the name of one that is there, and not that of an image', async () => {
  const folder = join(await tempDir())
  expect(splitWords(['app:v1', folder]).directory).toBe(folder)
  expect(splitWords(['app:v1', 'app:v2']).directory).toBeUndefined()
})
