import {existsSync, readFileSync} from 'node:fs'
import {expect, it} from 'vitest'
import {attacks} from './support/attacks.js'

it.each(attacks.map((attack) => [attack.id, attack] as const))(
  'the tests that %s names are there under that title',
  (_, {what, tests}) => {
    expect(what).toMatch(/^[^\n]+\.$/)
    expect(tests.length).toBeGreaterThan(0)
    for (const {file, title} of tests) {
      expect(existsSync(file), file).toBe(true)
      const text = readFileSync(file, 'utf8')
      const written = ["'", '"', '`'].map((quote) => {
        const escaped = title.replaceAll(quote, `\\${quote}`)
        return `${quote}${escaped}${quote}`
      })
      expect(
        written.some((each) => text.includes(each)),
        `${file} has no test "${title}"`,
      ).toBe(true)
    }
  },
)

it('names each attack once', () => {
  const ids = attacks.map(({id}) => id)
  expect(new Set(ids).size).toBe(ids.length)
})
