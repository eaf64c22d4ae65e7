import {readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'

const files = readdirSync('src', {recursive: true, encoding: 'utf8'}).sort()

it('the executable has every script that starts as a thread, and every WebAssembly module', () => {
  const listed = readFileSync('bin/executable.mjs', 'utf8').match(/(?<=')src\/[^']+(?=')/g)
  const threads = files
    .filter((file) => file.endsWith('.js'))
    .filter((file) => /parentPort|workerData/.test(readFileSync(join('src', file), 'utf8')))
  const modules = files.filter((file) => file.endsWith('.wasm'))
  expect(threads.length).toBeGreaterThan(0)
  expect(listed?.sort()).toEqual([...threads, ...modules].map((file) => `src/${file}`).sort())
})
