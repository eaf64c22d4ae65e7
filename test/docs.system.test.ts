import {execa} from 'execa'
import {existsSync, readFileSync, readdirSync, writeFileSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {tempDir} from './support/temp-dir.js'

const read = (path: string) => readFileSync(path, 'utf8')
const pages = [
  'README.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'CONTRIBUTING.md',
  ...readdirSync('docs', {recursive: true, encoding: 'utf8'})
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]
const sources = ['src', 'commands'].flatMap((folder) =>
  readdirSync(folder, {recursive: true, encoding: 'utf8'})
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name}`),
)

/** Lines in a row that begin with a bar, outside of code blocks, and the number of the first. */
function tables(page: string): {at: number; rows: string[]}[] {
  const found: {at: number; rows: string[]}[] = []
  const text = page.replaceAll(/^```[^]*?^```/gm, (code) => code.replaceAll(/.+/g, ''))
  for (const [index, line] of text.split('\n').entries()) {
    if (!/^\s*\|/.test(line)) continue
    const last = found.at(-1)
    if (last && last.at + last.rows.length === index + 1) last.rows.push(line.trim())
    else found.push({at: index + 1, rows: [line.trim()]})
  }
  return found
}

describe('the documentation', () => {
  it('shows what the quickstart prints', async () => {
    const {stdout} = await execa('sh', ['-c', 'node bin/quickstart.mjs 2>&1'], {env: {CI: ''}})
    const [, shown] = /```console\n([^]*?)\n```/.exec(read('README.md')) ?? []
    expect(shown).toBe(stdout.trim())
  })

  it('has exactly two commands for setting up, and both exist', () => {
    const commands = [...read('README.md').matchAll(/```sh\n(npm [^]*?)\n```/g)].map(
      ([, command]) => command,
    )
    expect(commands).toEqual(['npm ci && npm run quickstart', 'npm ci && npm test'])
    const {scripts} = JSON.parse(read('package.json')) as {scripts: Record<string, string>}
    expect(scripts).toMatchObject({
      quickstart: expect.any(String) as string,
      test: expect.any(String) as string,
    })
  })

  it('links to what is there', () => {
    for (const page of pages) {
      const targets = [
        ...read(page).matchAll(/\]\((?!https?:|#)([^)#]+)|src(?:set)?="(?!https?:)([^"]+)"/g),
      ].map(([, link, image]) => link ?? image ?? '')
      for (const target of targets)
        expect(existsSync(join(dirname(page), target)), `${page} -> ${target}`).toBe(true)
    }
  })

  it('explains every error code, and none that is not there', () => {
    const used = new Set(
      sources.flatMap((path) => read(path).match(/ERR_INJECT_[A-Z0-9_]*[A-Z0-9]/g) ?? []),
    )
    const explained = [...read('docs/errors.md').matchAll(/^\| `(ERR_INJECT_\w+)`/gm)].map(
      ([, code]) => code,
    )
    expect([...explained].sort()).toEqual([...used].sort())
  })

  it('says of every error what its cause is, and what to do', () => {
    const rows = read('docs/errors.md').match(/^\| `ERR_INJECT_.*$/gm) ?? []
    for (const row of rows) {
      const [, code, , cause = '', fix = ''] = row.split(/(?<!\\)\|/).map((cell) => cell.trim())
      expect([code, cause, fix]).toEqual([
        expect.any(String),
        expect.stringMatching(/.{9}/),
        expect.stringMatching(/^(?!.*as above).{9}/),
      ])
    }
  })

  it('gives every table a header and rows of as many cells', () => {
    for (const page of pages) {
      for (const {at, rows} of tables(read(page))) {
        const where = `${page}:${at}`
        expect(rows[1], `${where} has no header`).toMatch(/^\|(?: *:?-+:? *\|)+$/)
        const widths = new Set(rows.map((row) => row.match(/(?<!\\)\|/g)?.length))
        expect([...widths], where).toHaveLength(1)
      }
    }
  })

  it('has a reason for every dependency', () => {
    const {dependencies, optionalDependencies} = JSON.parse(read('package.json')) as Record<
      string,
      Record<string, string>
    >
    const explained = read('docs/dependencies.md')
    for (const name of Object.keys({...dependencies, ...optionalDependencies}))
      expect(explained).toContain(`\`${name}\``)
  })

  it('has a reference that oclif generates, up to date', async () => {
    const copy = join(await tempDir(), 'reference.md')
    writeFileSync(copy, read('docs/reference.md'))
    await execa('npx', ['oclif', 'readme', '--readme-path', copy, '--no-source-links'], {
      timeout: 120_000,
      env: {NODE_ENV: 'production'}, // else oclif looks for the sources of what is built
    })
    expect(read('docs/reference.md')).toBe(read(copy))
  })

  it('stands at the head of every folder of src', () => {
    const folders = readdirSync('src', {recursive: true, withFileTypes: true})
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name))
    for (const folder of ['src', ...folders]) {
      const page = join(folder, 'README.md')
      expect(existsSync(page), page).toBe(true)
      expect(read(page)).toMatch(new RegExp(`^# ${folder}\n\n.+\n\nImports .+\n\nStart with .+\n$`))
      const start = read(page).split('\n').at(-2) ?? ''
      for (const [, file = ''] of start.matchAll(/([\w/-]+\.ts)/g))
        expect(existsSync(join(folder, file)), `${page}: ${file}`).toBe(true)
    }
  })

  it('has a README that a newcomer reads to its end', () => {
    expect(read('README.md').split('\n').length).toBeLessThanOrEqual(200)
  })

  it('names every folder of src in the architecture', () => {
    for (const entry of readdirSync('src', {withFileTypes: true})) {
      if (entry.name === 'README.md') continue
      expect(read('docs/architecture.md')).toContain(
        `src/${entry.name}${entry.isDirectory() ? '/' : ''}`,
      )
    }
  })
})
