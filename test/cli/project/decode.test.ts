import {describe, expect, it} from 'vitest'
import {decodeProject} from '../../../src/cli/project/decode.js'
import type {CommandFlags} from '../../../src/cli/project/project.js'
import {readYaml} from '../../../src/yaml/read-yaml.js'
import {rejectionOf} from '../../support/thrown-by.js'

const commands: CommandFlags = new Map([
  [
    'update',
    [
      ...['platform', 'name', 'layers', 'owner', 'label', 'keep', 'created', 'cache', 'dry-run'],
      ...[
        'sign-command',
        'archive',
        'entrypoint',
        'max-size',
        'attest',
        'to',
        'mirror',
        'username',
      ],
      ...['insecure', 'plain-http', 'authfile', 'ca-file', 'cert-dir', 'exclude', 'retry-delay'],
    ],
  ],
  ['save', ['platform', 'compression', 'format', 'output']],
  ['store:gc', ['grace', 'dry-run']],
])

const decode = async (text: string) => {
  const file = {name: 'inject.yaml', invalid: 'ERR_INJECT_PROJECT_INVALID'} as const
  return decodeProject({file: file.name, root: readYaml(text, file)}, commands)
}

it('reads defaults of all commands, and those of single ones', async () => {
  const {file, settings} = await decode(
    [
      'platform: [linux/amd64, linux/arm64]',
      'layers: 4',
      'cache: true',
      'retry-delay: 5s',
      'commands:',
      '  update: {label: [a=1, b=2]}',
      '  store gc: {grace: 2h}',
    ].join('\n'),
  )
  expect(file).toBe('inject.yaml')
  expect(settings.map(({key, command, value}) => [key, command, value])).toEqual([
    ['platform', undefined, ['linux/amd64', 'linux/arm64']],
    ['layers', undefined, ['4']],
    ['cache', undefined, true],
    ['retry-delay', undefined, ['5s']],
    ['label', 'update', ['a=1', 'b=2']],
    ['grace', 'store:gc', ['2h']],
  ])
  expect(settings[5]?.at).toMatchObject({line: 7, column: 21})
})

it('reads commands of which nothing is said', async () => {
  expect((await decode('commands:\n  update:\n')).settings).toEqual([])
})

describe('names the place of a mistake', () => {
  it.each([
    ['an unknown key', 'platfrom: all', '1:1: unknown key "platfrom"', 'did you mean platform?'],
    ['a key of dashes', 'a: b', '1:1: unknown key "a"', /^use one of platform, name, /],
    ['a list', '- platform', '1:1: a project file must be a map', undefined],
    ['a wrong word', 'parents: bas', '1:10: parents is "bas"', 'use dir, base, omit'],
    ['a wrong platform', '\nplatform: linux', /^inject.yaml:2:11: platform: .*linux/, undefined],
    ['a wrong number', 'keep: 0', /^inject.yaml:1:7: keep: /, undefined],
    ['a number for a text', 'owner: 0', '1:8: owner must be a text', 'put it in quotes'],
    ['a word for a switch', 'cache: yes', '1:8: cache must be true or false', undefined],
    [
      'two values for one',
      'layers: [1, 2]',
      '1:9: layers must be one value, not a list',
      undefined,
    ],
    ['no value', 'name:', '1:6: name must be a text', undefined],
    ['a wrong time', 'created: soon', /^inject.yaml:1:10: created: not a time/, undefined],
    [
      'an unknown command',
      'commands: {updaet: {cache: true}}',
      '1:12: unknown command "updaet"',
      'did you mean update?',
    ],
    [
      'a key of another command',
      'commands: {save: {layers: 1}}',
      '1:19: unknown key "layers"',
      'use one of platform, compression, format, legacy',
    ],
    ['a member of all objects', 'constructor: 1', '1:1: unknown key "constructor"', /^use one of/],
    ['a key twice', 'cache: true\ncache: true', /^inject.yaml:2:1: /, undefined],
  ])('%s', async (_, text, message, hint) => {
    const error = await rejectionOf(decode(text))
    expect(error).toMatchObject({name: 'UsageError', code: 'ERR_INJECT_PROJECT_INVALID'})
    if (typeof message === 'string') expect(error.message).toBe(`inject.yaml:${message}`)
    else expect(error.message).toMatch(message)
    if (hint instanceof RegExp) expect(error.hint).toMatch(hint)
    else if (hint !== undefined) expect(error.hint).toBe(hint)
  })
})

describe('refuses what a stranger must not decide', () => {
  it.each([
    ['sign-command', 'it runs a program'],
    ['sign-key', 'it signs in your name'],
    ['creds', 'credentials are never taken from a project file: use inject login'],
    ['--creds', 'credentials are never taken from a project file: use inject login'],
    ['username', 'credentials are never taken from a project file: use inject login'],
    ['authfile', 'credentials are never taken from a project file: use inject login'],
    ['cert-dir', 'credentials are never taken from a project file: use inject login'],
    ['key-file', 'credentials are never taken from a project file: use inject login'],
    ['plain-http', 'it decides whom this machine trusts'],
    ['insecure', 'it decides whom this machine trusts'],
    ['tls-verify', 'it decides whom this machine trusts'],
    ['ca-file', 'it decides whom this machine trusts'],
    ['mirror', 'it sends something to another place'],
    ['to', 'it sends something to another place'],
    ['archive', 'it reads or writes a file of this machine'],
    ['max-size', 'it lifts a limit that protects this machine'],
    ['entrypoint', 'it changes how the image runs, which must be seen where it is done'],
    ['dry-run', 'it belongs to one run'],
  ])('%s', async (key, reason) => {
    for (const text of [`"${key}": x`, `commands: {update: {"${key}": x}}`]) {
      const error = await rejectionOf(decode(text))
      expect(error.code).toBe('ERR_INJECT_PROJECT_INVALID')
      expect(error.message).toContain(`"${key}" must not be in a project file`)
      expect(error.hint).toBe(reason)
    }
  })
})
