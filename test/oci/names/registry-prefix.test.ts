import {describe, expect, it} from 'vitest'
import {
  formatRegistryPrefix,
  parseRegistryPrefix,
  pathBelow,
} from '../../../src/oci/names/registry-prefix.js'
import {thrownBy} from '../../support/thrown-by.js'

describe('parseRegistryPrefix', () => {
  it.each([
    ['registry.example', 'registry.example', ''],
    ['Registry.Example:5000/', 'registry.example:5000', ''],
    ['localhost/team', 'localhost', 'team'],
    ['[::1]:5000/team/base/', '[::1]:5000', 'team/base'],
    ['docker.io/library', 'docker.io', 'library'],
    ['docker.io', 'docker.io', ''],
  ])('reads %s', (text, registry, path) => {
    const prefix = parseRegistryPrefix(text, 'SOURCE')
    expect(prefix).toEqual({registry, path})
    expect(formatRegistryPrefix(prefix)).toBe(path === '' ? registry : `${registry}/${path}`)
  })

  it.each([
    '',
    '/',
    'team',
    'team/app',
    'https://r.example',
    'r.example/app:v1',
    'u:p@r.example',
    'oci:dir',
    'r.example/A',
  ])('refuses %j without repeating it', (text) => {
    expect(thrownBy(() => parseRegistryPrefix(text, 'SOURCE'))).toMatchObject({
      code: 'ERR_INJECT_REGISTRY_INVALID',
      message: 'SOURCE is not a registry',
    })
  })
})

describe('pathBelow', () => {
  it('is the rest of a repository that is below the path', () => {
    const prefix = {registry: 'r.example', path: 'team'}
    expect(pathBelow(prefix, 'team/app')).toBe('app')
    expect(pathBelow(prefix, 'team')).toBeUndefined()
    expect(pathBelow(prefix, 'teams/app')).toBeUndefined()
    expect(pathBelow({registry: 'r.example', path: ''}, 'a/b')).toBe('a/b')
  })
})
