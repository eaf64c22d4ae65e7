import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {parseWarnings} from '../../../src/registry/net/warnings.js'
import {startFakeServer} from '../../support/fake-server.js'
import {openRegistry} from '../../support/open-registry.js'

describe('parseWarnings', () => {
  it.each([
    ['299 - "quota is low"', ['quota is low']],
    ['299 - "one", 299 - "two"', ['one', 'two']],
    ['299 - "a \\"quoted\\" \\\\ word"', ['a "quoted" \\ word']],
    ['299 - "dated" "Sat, 21 Nov 2026 12:00:00 GMT"', ['dated']],
    ['214 proxy.example "changed", 299 - "one"', ['one']],
    ['299 proxy.example "not of the registry"', []],
    ['299 - ""', []],
    ['299 - "without an end', []],
    ['299 -', []],
    ['', []],
  ])('%s', (header, expected) => {
    expect(parseWarnings(header)).toEqual(expected)
  })

  it('ends on any text', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseWarnings(text)))
    parseWarnings('299 - "'.repeat(100_000))
    parseWarnings('299 - "\\'.repeat(100_000))
  })
})

describe('a warning of the registry', () => {
  const warned = async (warnings: readonly string[]): Promise<string[]> => {
    const server = await startFakeServer(({path}) => ({
      status: 404,
      headers: {warning: warnings[Number(/v(\d+)$/.exec(path)?.[1]) % warnings.length] ?? ''},
    }))
    const {store, notices} = openRegistry(server.address)
    for (let index = 0; index < 30; index++) await store.getManifest(`v${index}`)
    return notices.map((text) => text.replace(/127\.0\.0\.1:\d+/, 'REGISTRY'))
  }

  it('is shown once', async () => {
    const notices = await warned(['299 - "you have 5 pulls left"', '299 - "move to v2"'])
    expect(notices).toEqual(['REGISTRY says: you have 5 pulls left', 'REGISTRY says: move to v2'])
  })

  it('is shown on one line, escaped, and not at any length or number', async () => {
    const [notice = ''] = await warned([`299 - "\u009b31m${'x'.repeat(2000)}"`])
    expect(notice).toMatch(/^REGISTRY says: "\\u009b31mx+…?"$/)
    expect(notice.length).toBeLessThan(340)
    expect(await warned(Array.from({length: 30}, (_, n) => `299 - "text ${n}"`))).toHaveLength(10)
  })
})
