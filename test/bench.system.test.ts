import {execa} from 'execa'
import {readFileSync, readdirSync} from 'node:fs'
import {expect, it} from 'vitest'
import {breaks} from '../bench/breaks.mjs'

const files = readdirSync('bench').filter((name) => name.endsWith('.mjs'))

it('names versions of other programs in one file, and exactly', () => {
  for (const name of files) {
    const text = readFileSync(`bench/${name}`, 'utf8')
    expect(text, name).not.toMatch(/@(?:main|master|latest|HEAD)\b/)
    const versions = text.match(/(?:@|==)v?\d+\.\d+\.\d+[^'`]*/g) ?? []
    if (name !== 'pinned.mjs') expect(versions, name).toEqual([])
  }
})

it('ends a set-up that fails with one line that says what could not be set up', async () => {
  const failing = `
    import {setUp} from './bench/pinned.mjs'
    setUp('the suite v1.2.3', ['sh', '-c', 'echo first >&2; echo the reason >&2; exit 7'])
    console.log('not reached')`
  const run = (code: string) =>
    execa(process.execPath, ['--input-type=module', '-e', code], {reject: false})
  const {stdout, stderr, exitCode} = await run(failing)
  expect({stdout, stderr, exitCode}).toEqual({
    stdout: '',
    stderr: 'set-up failed: cannot install the suite v1.2.3 with sh: the reason',
    exitCode: 1,
  })
  const absent = await run(failing.replace("'sh', '-c'", "'not-a-program-here'"))
  expect(absent.stderr).toMatch(/^set-up failed: cannot install the suite v1\.2\.3 [^\n]*ENOENT$/)
})

it('finds the code of each defence that is broken on purpose', () => {
  expect(breaks.length).toBeGreaterThan(20)
  for (const {id, what, file, from, to} of breaks) {
    const text = readFileSync(file, 'utf8')
    expect(text.replace(from, to), `${id} ${what}`).not.toBe(text)
  }
})
