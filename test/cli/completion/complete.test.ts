import {mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {complete, formatCompletion, type Lookup} from '../../../src/cli/completion/complete.js'
import type {Catalog} from '../../../src/cli/completion/catalog.js'
import {registryWords} from '../../../src/cli/completion/registry-words.js'
import type {Described} from '../../../src/cli/completion/word-kind.js'
import {formatReference} from '../../../src/oci/names/reference.js'
import {tempDir} from '../../support/temp-dir.js'

const option = (name: string, more: object = {}) => ({name, type: 'option', ...more})
const commands = [
  {
    id: 'update',
    aliases: ['up'],
    summary: 'Replace the content.',
    args: {image: {name: 'image'}, sources: {name: 'sources', multiple: true}},
    flags: {
      tag: option('tag', {char: 't', multiple: true, summary: 'Tag for\n the result.'}),
      platform: option('platform', {char: 'p', multiple: true}),
      name: option('name'),
      compression: option('compression', {options: ['gzip', 'zstd', 'zstd:chunked']}),
      authfile: option('authfile', {helpValue: 'FILE'}),
      'cache-dir': option('cache-dir', {helpValue: 'DIR'}),
      to: option('to', {helpValue: 'REFERENCE'}),
      quiet: {name: 'quiet', type: 'boolean', char: 'q'},
      secret: {name: 'secret', type: 'boolean', hidden: true},
    },
  },
  {id: 'store:check', aliases: [], summary: 'Check.', args: {root: {name: 'root'}}, flags: {}},
  {id: 'complete', aliases: [], hidden: true, args: {}, flags: {}},
] as unknown as Described[]
const catalog: Catalog = {commands, topics: {store: 'Look after a folder.'}}

/** What is offered, and what was asked for that. */
async function offered(...words: string[]) {
  const asked: string[] = []
  const lookup: Lookup = (kind, reference) => {
    asked.push(`${kind} ${formatReference(reference)}`)
    return Promise.resolve({tag: ['v1', 'v2'], platform: ['linux/amd64'], slot: ['models']}[kind])
  }
  const found = await complete(catalog, words, lookup)
  return {...found, texts: found.candidates.map(({text}) => text), asked}
}

describe('what is offered', () => {
  it.each([
    [[''], ['store', 'up', 'update']],
    [['upd'], ['update']],
    [['store', ''], ['check']],
    [['help', 'upd'], ['update']],
    [['man', 'store', ''], ['check']],
    [
      ['update', '--t'],
      ['--tag', '--to'],
    ],
    [['update', 'x', '--q'], ['--quiet']],
    [['update', '--quiet', '--q'], []],
    [['update', '--tag', 'v1', '--ta'], ['--tag']],
    [['update', '--s'], []],
    [
      ['update', '--compression', 'zs'],
      ['zstd', 'zstd:chunked'],
    ],
    [['up', '--compression=g'], ['--compression=gzip']],
    [['unknown', ''], []],
    [['update', '--', '--t'], []],
  ])('after %j are %j', async (words, texts) => {
    expect(await offered(...words)).toMatchObject({kind: 'words', texts, asked: []})
  })

  it.each([
    [
      ['update', 'reg.example/app:'],
      ['reg.example/app:v1', 'reg.example/app:v2'],
      'tag reg.example/app',
    ],
    [['update', '--to', 'reg.example/app:v2'], ['reg.example/app:v2'], 'tag reg.example/app'],
    [['update', 'reg.example/app:v1', 'dir', '-t', ''], ['v1', 'v2'], 'tag reg.example/app:v1'],
    [['update', '--quiet', 'oci:l:v1', '--name', ''], ['models'], 'slot oci:l:v1'],
    [['update', 'reg.example/app', '-p', ''], ['all', 'linux/amd64'], 'platform reg.example/app'],
  ])('after %j are %j, for which is asked: %s', async (words, texts, asked) => {
    expect(await offered(...words)).toMatchObject({texts, asked: [asked]})
  })

  it.each([
    [['update', 'localhost:50']],
    [['update', 'app:v']],
    [['update', '--name', '']],
    [['update', 'no image/', '--name', '']],
  ])('after %j asks for nothing', async (words) => {
    expect(await offered(...words)).toMatchObject({texts: [], asked: []})
  })

  it.each([
    [['update', 'x', ''], 'files'],
    [['update', 'x', 'one', ''], 'files'],
    [['update', '--authfile', ''], 'files'],
    [['update', '--cache-dir', ''], 'directories'],
    [['store', 'check', ''], 'directories'],
  ])('after %j are %s, which the shell lists', async (words, kind) => {
    expect(await offered(...words)).toMatchObject({kind, texts: []})
  })

  it('after oci: are folders, and after oci-archive: also files', async () => {
    const folder = await tempDir()
    mkdirSync(join(folder, 'layout'))
    writeFileSync(join(folder, 'list.tar'), '')
    writeFileSync(join(folder, 'l$(id)'), '')
    expect((await offered('update', `oci:${folder}/l`)).texts).toEqual([`oci:${folder}/layout/`])
    expect((await offered('update', `oci-archive:${folder}/l`)).texts).toEqual([
      `oci-archive:${folder}/layout/`,
      `oci-archive:${folder}/list.tar`,
    ])
    expect((await offered('update', 'oci')).texts).toEqual(['oci-archive:', 'oci:'])
  })

  it('is never what a shell could run, whatever the registry says', async () => {
    const lookup: Lookup = () =>
      Promise.resolve(['$(id)', '`id`', 'a b', 'v1;id', 'ok\u001B[2J', 'v1'])
    const {candidates} = await complete(catalog, ['update', 'r.example/a', '-t', ''], lookup)
    expect(candidates.map(({text}) => text)).toEqual(['v1'])
  })

  it('is written as lines with what each word is', async () => {
    expect(formatCompletion(await offered('update', '--ta'))).toBe(
      'words\n--tag\tTag for the result.\n',
    )
  })
})

describe('the flags that are passed on', () => {
  it('are those of registries, with their values', () => {
    const words = ['update', '--plain-http', '--ca-file', 'a.pem', '--authfile=b', '--tag', 'v1']
    expect(
      registryWords([...words, '--no-plain-http', '--password-stdin', '--timeout', '1h']),
    ).toEqual(['--plain-http', ...['--ca-file', 'a.pem', '--authfile=b', '--no-plain-http']])
  })

  it('are not one whose value is still to be typed', () => {
    expect(registryWords(['update', '--ca-file', ''])).toEqual([])
  })
})
