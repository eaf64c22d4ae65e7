import {describe, expect, it} from 'vitest'
import {createNoProxy} from '../../../src/registry/net/no-proxy.js'

const isDirect = (list: string, url: string): boolean => createNoProxy(list)(new URL(url))

describe('T-42 NO_PROXY', () => {
  it.each([
    ['registry.example', 'https://registry.example', true],
    ['registry.example', 'https://eu.registry.example', true],
    ['registry.example', 'https://notregistry.example', false],
    ['registry.example', 'https://registry.example.org', false],
    ['Registry.Example', 'https://REGISTRY.example', true],
    ['registry.example', 'https://registry.example.', true],
    ['.registry.example', 'https://registry.example', false],
    ['.registry.example', 'https://eu.registry.example', true],
    ['*.registry.example', 'https://registry.example', false],
    ['*.registry.example', 'https://a.b.registry.example', true],
    ['example', 'https://registry.example', true],
    ['registry.example:8443', 'https://registry.example:8443', true],
    ['registry.example:8443', 'https://registry.example', false],
    ['registry.example:443', 'https://registry.example', true],
    ['registry.example:80', 'http://registry.example', true],
    ['registry.example:80', 'https://registry.example', false],
    ['.example:8443', 'https://registry.example:8443', true],
    ['*', 'https://registry.example', true],
    ['a.example,*', 'http://10.1.2.3', true],
    ['a.example, registry.example', 'https://registry.example', true],
    ['a.example registry.example', 'https://registry.example', true],
    [' ,, ', 'https://registry.example', false],
    ['', 'https://registry.example', false],
    [':443', 'https://registry.example', false],
    ['10.1.2.3', 'https://10.1.2.3', true],
    ['10.1.2.3', 'https://10.1.2.30', false],
    ['10.1.2.3:5000', 'https://10.1.2.3:5000', true],
    ['10.1.2.3:5000', 'https://10.1.2.3', false],
    ['10.0.0.0/8', 'https://10.200.2.3:5000', true],
    ['10.0.0.0/8', 'https://11.0.0.1', false],
    ['10.0.0.0/8', 'https://registry.example', false],
    ['10.0.0.0/8', 'https://10.registry.example', false],
    ['10.1.2.3/32', 'https://10.1.2.3', true],
    ['10.1.2.3/33', 'https://10.1.2.3', false],
    ['0.0.0.0/0', 'https://8.8.8.8', true],
    ['0.0.0.0/0', 'https://[2001:db8::1]', false],
    ['2001:db8::/32', 'https://[2001:db8:1::5]:5000', true],
    ['2001:db8::/32', 'https://[2001:db9::5]', false],
    ['2001:db8::1', 'https://[2001:db8:0:0::1]', true],
    ['[2001:db8::1]', 'https://[2001:db8::1]', true],
    ['[2001:db8::1]:5000', 'https://[2001:db8::1]:5000', true],
    ['[2001:db8::1]:5000', 'https://[2001:db8::1]', false],
    ['10.0.0.0/abc', 'https://10.0.0.1', false],
    ['300.1.1.1/8', 'https://10.0.0.1', false],
    ['(', 'https://registry.example', false],
  ])('%j: is %s asked directly? %s', (list, url, expected) => {
    expect(isDirect(list, url)).toBe(expected)
  })

  it.each([
    'http://localhost:5000',
    'http://localhost.:5000',
    'http://registry.localhost',
    'http://127.0.0.1',
    'https://127.8.8.8:443',
    'http://[::1]:5000',
  ])('%s is always asked directly', (url) => {
    expect(isDirect('', url)).toBe(true)
  })
})
