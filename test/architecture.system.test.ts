import {ESLint} from 'eslint'
import {readdirSync, readFileSync} from 'node:fs'
import tseslint from 'typescript-eslint'
import {describe, expect, it} from 'vitest'
import {findCircle, folderGraph, importGraph} from './support/import-graph.js'

/**
 * The project's rules but those that need types: the whole project passes all of them in `npm run
 * check`.
 */
const eslint = new ESLint({overrideConfig: [tseslint.configs.disableTypeChecked]})

/** The rules that `line`, planted at the top of a file that is there, would break. */
async function rulesBrokenBy(file: string, line: string): Promise<(string | null)[]> {
  const [result] = await eslint.lintText(`${line}\n${readFileSync(file, 'utf8')}`, {filePath: file})
  return (result?.messages ?? []).map(({ruleId}) => ruleId)
}

const brokenAsTheyAre = new Map<string, Promise<(string | null)[]>>()

/** The same for a file as it is; it is read once, whatever is planted in it. */
function rulesBrokenIn(file: string): Promise<(string | null)[]> {
  const broken = brokenAsTheyAre.get(file) ?? rulesBrokenBy(file, '')
  brokenAsTheyAre.set(file, broken)
  return broken
}

describe('imports run one way', () => {
  const wrong: [string, string, string][] = [
    ['src/oci/digest.ts', "import '../image/inject.js'", 'import-x/no-restricted-paths'],
    ['src/image/inject.ts', "import '../store/content-store.js'", 'import-x/no-restricted-paths'],
    [
      'src/store/memory-store.ts',
      "import '../registry/registry-store.js'",
      'import-x/no-restricted-paths',
    ],
    [
      'src/layer/pack/pack.ts',
      "import '../../registry/net/http.js'",
      'import-x/no-restricted-paths',
    ],
    [
      'src/registry/net/http.ts',
      "import '../../layer/pack/pack.js'",
      'import-x/no-restricted-paths',
    ],
    [
      'src/layer/pack/pack.ts',
      "import '../../operations/update.js'",
      'import-x/no-restricted-paths',
    ],
    ['src/operations/update.ts', "import '../cli/flags/common.js'", 'import-x/no-restricted-paths'],
    [
      'src/cli/flags/common.ts',
      "import '../../../commands/update.js'",
      'import-x/no-restricted-paths',
    ],
    ['src/registry/net/http.ts', "import '../api/blobs.js'", 'import-x/no-restricted-paths'],
    ['src/registry/api/blobs.ts', "import '../registry-store.js'", 'import-x/no-restricted-paths'],
    [
      'src/store/layout/create.ts',
      "import '../served/open-root.js'",
      'import-x/no-restricted-paths',
    ],
    ['src/store/served/blobs/blobs.ts', "import '../open-root.js'", 'import-x/no-restricted-paths'],
    [
      'src/layer/tree/walk.ts',
      "import '../unpack/entries/extract.js'",
      'import-x/no-restricted-paths',
    ],
    [
      'src/operations/find/find-document.ts',
      "import '../update.js'",
      'import-x/no-restricted-paths',
    ],
    ['src/server/http/answer.ts', "import '../api/blobs.js'", 'import-x/no-restricted-paths'],
    ['src/store/content-store.ts', "import './layout/create.js'", 'import-x/no-restricted-paths'],
    [
      'src/oci/digest.ts',
      "import type {Image} from '../image/image.js'",
      'import-x/no-restricted-paths',
    ],
    ['src/image/inject.ts', "import 'node:fs'", 'no-restricted-imports'],
    ['src/oci/digest.ts', "import 'got'", 'no-restricted-imports'],
    ['src/operations/update.ts', "import '@oclif/core'", 'no-restricted-imports'],
    ['src/oci/digest.ts', 'export const now = Date.now()', 'no-restricted-properties'],
    [
      'src/oci/manifest.ts',
      "export const read = JSON.parse('1') as unknown",
      'no-restricted-syntax',
    ],
    [
      'src/store/check/check-store.ts',
      "export const read = JSON['parse']('1') as unknown",
      'no-restricted-syntax',
    ],
    ['src/store/check/check-store.ts', 'export const {parse: read} = JSON', 'no-restricted-syntax'],
    [
      'src/store/check/check-store.ts',
      'export const sum = (a: number, b: number, c: number, d: number, e: number) => a + b + c + d + e',
      '@typescript-eslint/max-params',
    ],
    [
      'src/store/check/check-store.ts',
      'export const taken = ({a, b, c, d, e, f, g, h, i}: Record<string, number>) => [a, b, c, d, e, f, g, h, i]',
      'inject/names-taken',
    ],
  ]
  for (const [file, line, rule] of wrong) {
    it(`${file} must not have: ${line}`, async () => {
      expect(await rulesBrokenIn(file)).not.toContain(rule)
      expect(await rulesBrokenBy(file, line)).toContain(rule)
    })
  }
})

// not by eslint, which looks at the whole graph again for each file, and takes twice as long for it
describe('the folders of src, and commands', () => {
  const files = importGraph()

  it('have no circle of imports, types included, between files', () => {
    expect(files.size).toBeGreaterThan(400)
    expect(findCircle(files)).toBeUndefined()
  })

  it('have no circle between folders', () => {
    expect(findCircle(folderGraph(files))).toBeUndefined()
  })

  it('hold at most 24 files each', () => {
    const counts = new Map<string, number>()
    for (const folder of readdirSync('src', {recursive: true, withFileTypes: true}))
      if (folder.isFile() && folder.name !== 'README.md')
        counts.set(folder.parentPath, (counts.get(folder.parentPath) ?? 0) + 1)
    expect([...counts].filter(([, count]) => count > 24)).toEqual([])
  })

  it('find a circle where there is one', () => {
    const graph = new Map([
      ['a', ['b']],
      ['b', ['c', 'd']],
      ['c', []],
      ['d', ['b']],
    ])
    expect(findCircle(graph)).toEqual(['b', 'd', 'b'])
  })
})

describe('what acts below folders that other users may change', () => {
  it('renames, removes and changes modes only through folders that are open', () => {
    const byPath =
      /\b(?:rename|rm|rmdir|unlink|chmod|chown|lchown|cp)(?:Sync)?\b(?=[^}]*\} from 'node:fs)/
    for (const name of [
      'fill-directory',
      'put-in-place',
      'folders/remove-deep',
      'target',
      'leftovers',
    ]) {
      const text = readFileSync(`src/layer/unpack/${name}.ts`, 'utf8')
      expect(byPath.exec(text)?.[0], name).toBeUndefined()
    }
    expect(
      byPath.exec(readFileSync('src/layer/unpack/folders/open-folder.ts', 'utf8')),
    ).not.toBeNull()
  })
})

describe('errors are not answers', () => {
  const wrong = [
    'export const a = Promise.resolve(1).catch(() => undefined)',
    'export const a = Promise.resolve(1).catch(() => false)',
    'export const a = Promise.resolve(1).catch(() => [])',
    'export const a = Promise.resolve(1).then(Boolean, () => false)',
    'export function a(): boolean { try { return JSON.parse("1") === 1 } catch { return false } }',
    'export const a = existsSync("/")',
  ]
  const rooms = ['src/disk/names-in.ts', 'src/disk/temp-file.ts', 'src/server/api/blobs.ts']
  for (const file of [...rooms, 'src/fast/place-file.ts', 'src/archive/tar-file.ts'])
    it(`${file} must not turn any error into a value`, async () => {
      expect(await rulesBrokenBy(file, '')).not.toContain('no-restricted-syntax')
      for (const line of wrong)
        expect([line, await rulesBrokenBy(file, line)]).toEqual([
          line,
          expect.arrayContaining(['no-restricted-syntax']),
        ])
    })
})

describe('every test asserts something', () => {
  const broken = (test: string) => rulesBrokenBy('test/oci/media-type.test.ts', test)

  it.each([
    "it('x', async () => { await expect(work()).rejects.toThrow() })",
    "it('x', () => { fc.assert(fc.property(fc.string(), (text) => parse(text) === text)) })",
    "const check = () => { expect(1).toBe(1) }; it('x', () => { check() })",
    "function one() { two() } function two() { one(); expect(1).toBe(1) } it('x', () => one())",
    "const work = () => { expect(1).toBe(1) }; it('x', work)",
    "it.each(rows)('x', (row) => { row.forEach((each) => expect(each).toBe(1)) })",
    "describe('x', () => { run() })",
  ])('as does %s', async (test) => {
    expect(await broken(test)).not.toContain('inject/asserting-tests')
  })

  it.each([
    "it('x', () => { work() })",
    'it(title, () => { work() })',
    "it.each(rows)('x', (row) => { work(row) })",
    "it.skipIf(true)('x', () => { work() })",
    "const work = () => {}; it('x', work)",
    "const unused = () => { expect(1).toBe(1) }; it('x', () => { work() })",
  ])('but not %s', async (test) => {
    expect(await broken(test)).toContain('inject/asserting-tests')
  })

  it('and names the row of a table that it is about', async () => {
    const named = "it.each(rows)('takes %s', (row) => { expect(row).toBe(1) })"
    expect(await broken(named)).not.toContain('inject/named-rows')
    expect(await broken(named.replace('%s', 'it'))).toContain('inject/named-rows')
  })
})

describe('commands', () => {
  it('are thin: one class in a file, at most 100 lines, and nothing else in the folder', () => {
    for (const file of readdirSync('commands', {recursive: true, encoding: 'utf8'})) {
      if (!file.includes('.')) continue // a topic
      const text = readFileSync(`commands/${file}`, 'utf8')
      expect(text.match(/^export /gm), file).toHaveLength(1)
      expect(text, file).toMatch(/^export default class \w+ extends BaseCommand/m)
    }
  })
})
