import {describe, expect, it} from 'vitest'
import {helperKeyFor, helperServers} from '../../../src/registry/credentials/helper-keys.js'

describe('helperKeyFor', () => {
  const ecr = '123.dkr.ecr.us-east-1.amazonaws.com'

  it.each<[string, string[], string, string | undefined]>([
    ['the host', ['reg.example'], 'reg.example/team/app', 'reg.example'],
    ['a URL', ['https://reg.example/v1/'], 'reg.example/team/app', 'https://reg.example/v1/'],
    ['a path', ['reg.example', 'reg.example/team'], 'reg.example/team/app', 'reg.example/team'],
    [
      'the whole repository before its namespace',
      ['reg.example/team', 'reg.example/team/app'],
      'reg.example/team/app',
      'reg.example/team/app',
    ],
    ['no other path', ['reg.example/team2', 'reg.example/tea'], 'reg.example/team/app', undefined],
    ['no path of another case', ['reg.example/Team'], 'reg.example/x', undefined],
    [
      'a pattern of the host',
      ['*.dkr.ecr.us-east-1.amazonaws.com'],
      `${ecr}/app`,
      '*.dkr.ecr.us-east-1.amazonaws.com',
    ],
    [
      'a pattern with two stars',
      ['*.dkr.ecr.*.amazonaws.com'],
      `${ecr}/app`,
      '*.dkr.ecr.*.amazonaws.com',
    ],
    ['a part of a label', ['reg-*.example'], 'reg-eu.example/app', 'reg-*.example'],
    ['a star for nothing', ['reg*.example'], 'reg.example/app', 'reg*.example'],
    ['a star never for a dot', ['*.amazonaws.com'], `${ecr}/app`, undefined],
    ['a star never for a host without its label', ['*.reg.example'], 'reg.example/app', undefined],
    ['a star never for the end of a host', ['reg.*'], 'reg.example.evil/app', undefined],
    ['a pattern with a port', ['*.example:5000'], 'reg.example:5000/app', '*.example:5000'],
    ['a pattern without the port', ['*.example'], 'reg.example:5000/app', undefined],
    ['a pattern with a path', ['*.example/team'], 'reg.example/team/app', '*.example/team'],
    ['no star in a path', ['reg.example/*'], 'reg.example/team', undefined],
    ['the host before a pattern', ['*.example', 'reg.example'], 'reg.example/app', 'reg.example'],
    [
      'the longer pattern',
      ['*.example', 'reg-*.example', '*'],
      'reg-eu.example/app',
      'reg-*.example',
    ],
    [
      'a path of a pattern before the host alone',
      ['reg.example', '*.example/team'],
      'reg.example/team/app',
      '*.example/team',
    ],
    ['Docker Hub by any name', ['docker.io'], 'docker.io/library/x', 'docker.io'],
    [
      'the URL of Docker Hub',
      ['https://index.docker.io/v1/'],
      'docker.io/library/x',
      'https://index.docker.io/v1/',
    ],
    ['a namespace of Docker Hub', ['docker.io/me'], 'docker.io/me/x', 'docker.io/me'],
  ])('finds %s', (_, keys, name, expected) => {
    const slash = name.indexOf('/')
    expect(helperKeyFor(keys, name.slice(0, slash), name.slice(slash + 1))).toBe(expected)
  })

  it('does not take long for a pattern of many stars', () => {
    const host = `${'a'.repeat(5000)}b`
    expect(helperKeyFor([`${'*a'.repeat(2000)}c`], host, 'x')).toBeUndefined()
    expect(helperKeyFor([`${'*a'.repeat(2000)}*b`], host, 'x')).toBeDefined()
  })
})

it.each<[string, string | undefined, string[]]>([
  ['reg.example', undefined, ['reg.example']],
  ['reg.example', 'reg.example', ['reg.example']],
  ['reg.example', 'https://reg.example/v1/', ['https://reg.example/v1/', 'reg.example']],
  ['reg.example', 'reg.example/team', ['reg.example']],
  ['reg.example', '*.example', ['reg.example']],
  [
    'docker.io',
    'docker.io',
    ['docker.io', 'https://index.docker.io/v1/', 'index.docker.io', 'registry-1.docker.io'],
  ],
  [
    'docker.io',
    undefined,
    ['https://index.docker.io/v1/', 'docker.io', 'index.docker.io', 'registry-1.docker.io'],
  ],
])('a helper may keep the login for %s (key %s) under %j', (registry, key, expected) => {
  expect(helperServers(registry, key)).toEqual(expected)
})
