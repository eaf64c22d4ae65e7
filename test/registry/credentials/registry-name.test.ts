import {describe, expect, it} from 'vitest'
import {parseRegistryName, registryOfKey} from '../../../src/registry/credentials/registry-name.js'
import {thrownBy} from '../../support/thrown-by.js'

describe('parseRegistryName', () => {
  it.each([
    ['registry.example', 'registry.example'],
    ['Registry.Example:5000', 'registry.example:5000'],
    ['https://registry.example/', 'registry.example'],
    ['http://registry.example:80', 'registry.example:80'],
    ['registry.example/v2/', 'registry.example'],
    ['localhost', 'localhost'],
    ['[::1]:5000', '[::1]:5000'],
    ['docker.io', 'docker.io'],
    ['https://index.docker.io/v1/', 'docker.io'],
    ['registry-1.docker.io', 'docker.io'],
  ])('reads %s', (text, expected) => {
    expect(parseRegistryName(text)).toBe(expected)
  })

  it.each([
    '',
    'registry',
    'registry.example/team',
    'https://registry.example/team',
    'user:pass-canary@registry.example',
    'https://user:pass-canary@registry.example/',
    'registry.example:99999',
    'registry.example\nx',
    'registry.example/x:canary',
    'oci:dir',
    'a b.example',
    'registry.example?canary',
  ])('T-36 refuses %j, without repeating it', (text) => {
    const error = thrownBy(() => parseRegistryName(text))
    expect(error).toMatchObject({name: 'UsageError', code: 'ERR_INJECT_REGISTRY_INVALID'})
    expect(`${error.message} ${error.hint ?? ''}`).not.toMatch(/canary/)
  })
})

describe('registryOfKey', () => {
  it.each([
    ['registry.example', 'registry.example'],
    ['https://registry.example:5000/v2/', 'registry.example:5000'],
    ['http://REGISTRY.example/any/path', 'registry.example'],
    ['registry.example/v1/', 'registry.example'],
    ['index.docker.io', 'docker.io'],
    ['registry.example/team', undefined],
    ['', undefined],
  ])('of %s is %s', (key, expected) => {
    expect(registryOfKey(key)).toBe(expected)
  })
})
