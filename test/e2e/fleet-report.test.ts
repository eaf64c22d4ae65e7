import {readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {parse} from 'yaml'
import type {FleetReport} from '../../src/fleet/report/outcome.js'
import {inject, injectJson} from '../support/cli.js'
import {makeFailure, makeOutcome, makeReport} from '../support/fleet-report.js'
import {openRegistry} from '../support/open-registry.js'
import {putImage, smallLayer} from '../support/put-image.js'
import {serveRegistry} from '../support/served-registry.js'
import {tempDir} from '../support/temp-dir.js'
import {parseXml} from '../support/xml.js'

/** Files with the reports of these shards, of three. */
async function writeShards(reports: readonly FleetReport[]): Promise<string[]> {
  const folder = await tempDir()
  return reports.map((report, at) => {
    const file = join(folder, `shard-${at + 1}.json`)
    writeFileSync(file, JSON.stringify(report))
    return file
  })
}
const shard = (index: number, ...outcomes: Parameters<typeof makeReport>[0]) =>
  makeReport(outcomes, {shard: {index, count: 3}})
const image = (name: string) => `registry.example/base/${name}:v1`

describe('inject fleet report', () => {
  it('joins the shards, and writes all formats', async () => {
    const files = await writeShards([
      shard(1, makeOutcome(image('a'), {status: 'updated'})),
      shard(2, makeOutcome(image('b'))),
      shard(3),
    ])
    const out = await tempDir()
    const [json, xml, md] = ['all.json', 'all.xml', 'all.md'].map((name) => join(out, name))
    const reports = [json!, xml!, md!].flatMap((file) => ['--report', file])
    const {exitCode, stdout, stderr} = await inject(['fleet', 'report', ...files, ...reports])
    expect({exitCode, stdout}).toEqual({exitCode: 0, stdout: ''})
    expect(stderr).toMatch(/^inject: certs: 2 images: 1 updated, 1 unchanged; 3 layers packed, /)
    expect(parseXml(readFileSync(xml!, 'utf8')).attributes['tests']).toBe('2')
    expect(readFileSync(md!, 'utf8')).toMatch(/^### certs: 2 images: 1 updated, 1 unchanged\n/)
    // what it wrote it reads, and prints in the same formats
    expect(await injectJson(['fleet', 'report', json!])).toMatchObject({totals: {updated: 1}})
    const printed = await inject(['fleet', 'report', json!, '--junit'])
    expect(`${printed.stdout}\n`).toBe(readFileSync(xml!, 'utf8'))
  })

  it('exits with 1 for failures and missing shards, which it names even if quiet', async () => {
    const [first = '', second = ''] = await writeShards([
      shard(1, makeFailure(image('a'), 'gone\u001B[2J')),
      shard(2, makeOutcome(image('b'))),
    ])
    const {exitCode, stderr} = await inject(['fleet', 'report', first, second, '-q'])
    expect(exitCode).toBe(1)
    expect(stderr.split('\n')).toEqual([
      'inject: the report of shard 3 is missing',
      `inject: failed: ${image('a')}: gone\\u{1b}[2J (ERR_INJECT_IMAGE_NOT_FOUND): check the name`,
    ])
  })

  it.each([
    ['a file that is not there', undefined, 9, /^inject: cannot read .*no such file/],
    [
      'another document',
      '{"a": 1}',
      6,
      /^inject: ".*" is not a report of inject: schemaVersion is/,
    ],
    ['a damaged report', '{"kind": ', 6, /^inject: ".*" is not JSON/],
  ])('says of %s what is wrong, on one line', async (_, text, code, line) => {
    const file = join(await tempDir(), 'report.json')
    if (text !== undefined) writeFileSync(file, text)
    const {exitCode, stderr} = await inject(['fleet', 'report', file])
    expect(exitCode).toBe(code)
    expect(stderr).toMatch(line)
    expect(stderr).not.toContain('\n')
  })

  it('writes nothing that it could not write at the end', async () => {
    const [file = ''] = await writeShards([shard(1)])
    const result = await inject(['fleet', 'report', file, '--report', '/nonexistent/a.json'])
    expect(result).toMatchObject({exitCode: 9})
    expect(result.stderr).toContain('cannot write "/nonexistent')
  })
})

describe('inject fleet job', () => {
  it('prints the file for each engine, by the name of the fleet in its file', async () => {
    const folder = await tempDir()
    const fleet =
      'fleet: certs\nimages: [registry.example/base/node:20]\nslots: [{name: certs, source: ./certs}]\n'
    writeFileSync(join(folder, 'fleet.yaml'), fleet)
    for (const [engine, key] of [
      ['--kubernetes', 'kind'],
      ['--gitlab', 'fleet-certs'],
      ['--github', 'jobs'],
    ] as const) {
      const args = ['fleet', 'job', engine, '-f', 'fleet.yaml', '--shards', '2']
      const image = ['--image', 'registry.example/tools/inject:1']
      const {stdout, stderr} = await inject([...args, ...image], {cwd: folder})
      expect(stderr).toBe('')
      expect(parse(stdout)).toHaveProperty([key])
    }
    const none = await inject(['fleet', 'job', '-f', 'fleet.yaml', '--shards', '2'], {cwd: folder})
    expect(none.exitCode).toBe(2)
  })
})

describe('inject copy --all', () => {
  it('copies, says how it went, and writes a report', async () => {
    const [from, to] = [await serveRegistry(), await serveRegistry()]
    for (const repository of ['a', 'b'])
      await putImage(openRegistry(from.address, {repository}).store, {layers: [smallLayer('x')]})
    const report = join(await tempDir(), 'copy.xml')
    const args = ['copy', '--all', from.address, to.address]
    const first = await inject([...args, '--report', report])
    expect(first).toMatchObject({exitCode: 0, stdout: ''})
    expect(first.stderr).toContain(`inject: copied: ${from.address}/a:v1 -> ${to.address}/a:v1 (`)
    expect(first.stderr).toMatch(/ to \S+: 2 images: 2 copied; .* sent, .* saved by mounts, /)
    expect(parseXml(readFileSync(report, 'utf8')).attributes['tests']).toBe('2')
    expect(await injectJson(args)).toMatchObject({totals: {unchanged: 2}})
  })

  it.each([
    [['--all', 'a.example', 'b.example', '--tag', 'v1'], '--all excludes --tag'],
    [['--all', 'a.example/x:v1', 'b.example'], 'SOURCE is not a registry'],
    [['a.example/x', 'b.example/x', '--include', 'x'], '--include needs --all'],
  ])('refuses %j', async (args, message) => {
    const {exitCode, stderr} = await inject(['copy', ...args])
    expect(exitCode).toBe(2)
    expect(stderr).toContain(message)
  })
})
