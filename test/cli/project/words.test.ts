import {Flags} from '@oclif/core'
import {expect, it} from 'vitest'
import {saveFlags} from '../../../src/cli/flags/commands/save.js'
import {commonFlags, publishFlags, slotName} from '../../../src/cli/flags/common.js'
import {attestFlags} from '../../../src/cli/flags/attest.js'
import {formatFlags} from '../../../src/cli/flags/content/format.js'
import {packFlags} from '../../../src/cli/flags/content/pack.js'
import {platformFlag} from '../../../src/cli/flags/platform.js'
import {partFlags} from '../../../src/cli/flags/tree.js'
import type {KnownFlag, Project, Setting} from '../../../src/cli/project/project.js'
import {projectWords} from '../../../src/cli/project/words.js'

const at = {
  file: {name: 'inject.yaml', invalid: 'ERR_INJECT_PROJECT_INVALID'},
  line: 1,
  column: 1,
} as const

const project = (values: Record<string, Setting['value']>, command?: string): Setting[] =>
  Object.entries(values).map(([key, value]) => ({key, command, value, at}))

const update = {...commonFlags, ...publishFlags, ...formatFlags, ...packFlags, ...attestFlags}

async function wordsFor(
  settings: readonly Setting[],
  argv: readonly string[] = [],
  more: {command?: string; flags?: Record<string, KnownFlag>; env?: Record<string, string>} = {},
): Promise<string[]> {
  const file: Project = {file: 'inject.yaml', settings}
  const {command = 'update', flags = update, env = {}} = more
  return projectWords(file, {
    command,
    flags,
    env,
    argv: ['registry.example/app', './tree', ...argv],
  })
}

it('puts what the file says before the command line', async () => {
  const settings = project({platform: ['linux/amd64', 'linux/arm64'], cache: true, verify: false})
  expect(await wordsFor(settings)).toEqual([
    '--platform=linux/amd64',
    '--platform=linux/arm64',
    '--cache',
  ])
})

it.each([
  ['a flag', ['--compression', 'none']],
  ['a flag with =', ['--compression=none']],
  ['a flag after one that may stand alone', ['--attest', '--compression', 'none']],
])('gives way to %s', async (_, argv) => {
  expect(await wordsFor(project({compression: ['zstd']}), argv)).toEqual([])
  expect(await wordsFor(project({compression: ['zstd']}), ['--', ...argv])).not.toEqual([])
})

it('gives way to a short flag', async () => {
  const settings = project({platform: ['all']})
  expect(await wordsFor(settings, ['-p', 'linux/amd64'])).toEqual([])
})

it('gives way to the environment', async () => {
  const settings = project({progress: ['json'], created: ['now']})
  expect(await wordsFor(settings)).toEqual(['--progress=json', '--created=now'])
  const env = {INJECT_PROGRESS: 'plain', SOURCE_DATE_EPOCH: '0'}
  expect(await wordsFor(settings, [], {env})).toEqual([])
})

it('prefers what is said of the command', async () => {
  const settings = [...project({cache: true}), ...project({cache: false}, 'update')]
  expect(await wordsFor(settings)).toEqual([])
  const flags = {cache: packFlags.cache}
  expect(await wordsFor(settings, [], {command: 'create', flags})).toEqual(['--cache'])
})

it('leaves out what the command line excludes, and what lacks its condition', async () => {
  const [named, flags] = [
    project({name: ['models']}),
    {...partFlags, name: slotName({exclusive: ['all']})},
  ]
  expect(await wordsFor(named, [], {command: 'ls', flags})).toEqual(['--name=models'])
  expect(await wordsFor(named, ['--all'], {command: 'ls', flags})).toEqual([])
  const kept = project({'keep-as': ['{tag}-{n}']})
  expect(await wordsFor(kept)).toEqual([])
  expect(await wordsFor(kept, ['--keep', '3'])).toEqual(['--keep-as={tag}-{n}'])
  const level = project({'compression-level': ['6']})
  expect(await wordsFor(level)).toEqual(['--compression-level=6'])
  expect(await wordsFor(level, ['--compression', 'zstd'])).toEqual([])
})

it('leaves out what the command has no use for', async () => {
  const one = {platform: platformFlag()}
  const wordsOf = (platform: string[]) =>
    wordsFor(project({platform}), [], {command: 'cat', flags: one})
  expect(await wordsOf(['linux/amd64'])).toEqual(['--platform=linux/amd64'])
  expect(await wordsOf(['linux/amd64', 'linux/arm64'])).toEqual([])
  expect(await wordsOf(['all'])).toEqual([])
  expect(await wordsFor(project({layers: ['auto']}), [], {flags: one})).toEqual([])
})

it('leaves out several platforms where a flag makes it one image, and keeps one', async () => {
  const flags = {...update, list: Flags.boolean()}
  const wordsOf = (platform: string[]) =>
    wordsFor(project({platform}), ['--list'], {command: 'certs', flags})
  expect(await wordsOf(['all'])).toEqual([])
  expect(await wordsOf(['linux/amd64', 'linux/arm64'])).toEqual([])
  expect(await wordsOf(['linux/amd64'])).toEqual(['--platform=linux/amd64'])
})

it('does not take the compression of slots for that of archives', async () => {
  const settings = project({compression: ['gzip']})
  const save = {command: 'save', flags: saveFlags}
  expect(await wordsFor(settings, [], save)).toEqual([])
  expect(await wordsFor(project({compression: ['none']}, 'save'), [], save)).toEqual([
    '--compression=none',
  ])
})

it("does not take the project's slot for that of the certificates", async () => {
  const certs = {command: 'certs', flags: {name: slotName({default: 'certs'})}}
  expect(await wordsFor(project({name: ['models']}), [], certs)).toEqual([])
  expect(await wordsFor(project({name: ['ca']}, 'certs'), [], certs)).toEqual(['--name=ca'])
})

it('leaves a command line with a mistake to its parser', async () => {
  expect(await wordsFor(project({cache: true}), ['--chache'])).toEqual([])
})
