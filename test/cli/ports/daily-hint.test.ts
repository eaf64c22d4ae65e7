import {chmodSync, mkdirSync, readdirSync, statSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {isHintDue} from '../../../src/cli/ports/daily-hint.js'
import {tempDir} from '../../support/temp-dir.js'

const hour = 3_600_000
const noon = Date.UTC(2026, 0, 1, 12)

it('is due once a day', async () => {
  const env = {XDG_CACHE_HOME: await tempDir()}
  expect(await isHintDue(env, noon)).toBe(true)
  expect(await isHintDue(env, noon + hour)).toBe(false)
  expect(await isHintDue(env, noon + 23 * hour)).toBe(false)
  expect(await isHintDue(env, noon + 25 * hour)).toBe(true)
  expect(await isHintDue(env, noon + 26 * hour)).toBe(false)
})

it('is due again after a clock was wrong, and a file damaged', async () => {
  const cache = await tempDir()
  const env = {XDG_CACHE_HOME: cache}
  expect(await isHintDue(env, noon + 400 * 24 * hour)).toBe(true)
  expect(await isHintDue(env, noon)).toBe(true)
  writeFileSync(join(cache, 'inject/hints/last.json'), '{')
  expect(await isHintDue(env, noon)).toBe(true)
})

it('is kept where only this user looks', async () => {
  const cache = await tempDir()
  await isHintDue({XDG_CACHE_HOME: cache}, noon)
  const folder = join(cache, 'inject/hints')
  expect(readdirSync(folder)).toEqual(['last.json'])
  expect(statSync(folder).mode & 0o077).toBe(0)
  expect(statSync(join(folder, 'last.json')).mode & 0o077).toBe(0)
})

it('is never due where it cannot be kept', async () => {
  expect(await isHintDue({HOME: '/nonexistent'}, noon)).toBe(false)
  const cache = await tempDir()
  mkdirSync(join(cache, 'inject'))
  chmodSync(join(cache, 'inject'), 0o777)
  expect(await isHintDue({XDG_CACHE_HOME: cache}, noon)).toBe(false)
})
