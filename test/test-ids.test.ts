import {readFileSync, readdirSync} from 'node:fs'
import {expect, it} from 'vitest'

const page = readFileSync('docs/test-ids.md', 'utf8')
const faults = readFileSync('docs/faults.md', 'utf8')

/** Ids with which a text begins that is a title or the first cell of a row. */
function idsIn(file: string): string[] {
  const text = readFileSync(file, 'utf8')
  const begin = /['"`]((?:(?:T-\d{2}|[ABCDFIKLMPRSWXZ]\d{1,2}[a-z]?)(?: |(?=['"`])))+)/g
  return [...text.matchAll(begin)].flatMap(([, ids]) => (ids ?? '').trim().split(' '))
}

/** L1 to L28, and steps, are explained as ranges. */
const isExplained = (id: string): boolean =>
  new RegExp(`\\b${id.replace(/[a-z]$/, '')}\\b`).test(/^[AB]/.test(id) ? faults : page) ||
  (/^L\d+$/.test(id) && Number(id.slice(1)) <= 28)

it('every id in the titles of tests is explained in docs/test-ids.md', () => {
  const files = readdirSync('test', {recursive: true, encoding: 'utf8'})
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => `test/${name}`)
  const unexplained = files.flatMap((file) =>
    idsIn(file).flatMap((id) => (isExplained(id) ? [] : [`${file}: ${id}`])),
  )
  expect(files.flatMap(idsIn).length).toBeGreaterThan(500)
  expect(unexplained).toEqual([])
})
