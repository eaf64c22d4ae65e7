import {readdirSync, utimesSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {keepNewest, type NewestLimits} from '../../src/disk/keep-newest.js'
import {tempDir} from '../support/temp-dir.js'

it.each<[string, NewestLimits, readonly string[]]>([
  ['without limits', {}, ['1.own', '2.own', '3.own', 'other']],
  ['up to two files', {files: 2}, ['2.own', '3.own', 'other']],
  ['as many as there may be', {files: 3}, ['1.own', '2.own', '3.own', 'other']],
  ['up to ten bytes', {bytes: 10}, ['2.own', '3.own', 'other']],
  ['up to nine bytes', {bytes: 9}, ['3.own', 'other']],
  ['within the tighter limit', {files: 1, bytes: 10}, ['3.own', 'other']],
])('keeps the newest files %s, and all that are not its own', async (_, limits, kept) => {
  const folder = await tempDir()
  for (const [at, name] of ['1.own', '2.own', '3.own', 'other'].entries()) {
    writeFileSync(join(folder, name), '12345')
    utimesSync(join(folder, name), at + 1, at + 1)
  }
  await keepNewest(folder, (name) => name.endsWith('.own'), limits)
  expect(readdirSync(folder).sort()).toEqual(kept)
})
