import {describe, expect, it} from 'vitest'
import {reachOf} from '../../../src/registry/net/address.js'
import {registryUrl} from '../../../src/registry/net/endpoint.js'
import {resolveRealm} from '../../../src/registry/auth/realm.js'
import {thrownBy} from '../../support/thrown-by.js'

const publicRegistry = new URL('https://registry.example/')
const privateRegistry = new URL('http://10.0.0.5:5000/')
const localRegistry = new URL('http://127.0.0.1:5000/')

describe('T-31 resolveRealm', () => {
  it.each([
    [publicRegistry, 'https://auth.example/token', 'https://auth.example/token'],
    [publicRegistry, '/token?x=1', 'https://registry.example/token?x=1'],
    [publicRegistry, '//auth.example/token', 'https://auth.example/token'],
    [publicRegistry, 'https://registry.example:8443/token', 'https://registry.example:8443/token'],
    [publicRegistry, 'https://8.8.8.8/token', 'https://8.8.8.8/token'],
    [privateRegistry, 'http://10.0.0.6:5001/token', 'http://10.0.0.6:5001/token'],
    [privateRegistry, 'https://auth.example/token', 'https://auth.example/token'],
    [localRegistry, 'http://127.0.0.1:5001/token', 'http://127.0.0.1:5001/token'],
    [localRegistry, 'http://localhost:5001/token', 'http://localhost:5001/token'],
    [new URL('https://169.254.1.1/'), 'https://169.254.1.1:444/t', 'https://169.254.1.1:444/t'],
  ])('at %s takes %s', (from, realm, expected) => {
    expect(resolveRealm(realm, from).href).toBe(expected)
  })

  it.each([
    [publicRegistry, undefined],
    [publicRegistry, ''],
    [publicRegistry, 'http://auth.example/token'],
    [publicRegistry, 'http://registry.example/token'],
    [publicRegistry, 'https://127.0.0.1/token'],
    [publicRegistry, 'https://127.1/token'],
    [publicRegistry, 'https://2130706433/token'],
    [publicRegistry, 'https://0x7f000001/token'],
    [publicRegistry, 'https://0.0.0.0/token'],
    [publicRegistry, 'https://[::1]/token'],
    [publicRegistry, 'https://[::]/token'],
    [publicRegistry, 'https://localhost/token'],
    [publicRegistry, 'https://a.LOCALHOST./token'],
    [publicRegistry, 'https://10.1.2.3/token'],
    [publicRegistry, 'https://172.31.0.1/token'],
    [publicRegistry, 'https://192.168.1.1/token'],
    [publicRegistry, 'https://[fd00::1]/token'],
    [publicRegistry, 'https://[fe80::1]/token'],
    [publicRegistry, 'https://169.254.169.254/latest/meta-data'],
    [publicRegistry, 'https://[::ffff:169.254.169.254]/token'],
    [publicRegistry, 'https://[::ffff:7f00:1]/token'],
    [publicRegistry, 'https://user:pass-canary@auth.example/token'],
    [publicRegistry, 'https://user@auth.example/token'],
    [publicRegistry, 'file:///etc/passwd'],
    [publicRegistry, 'data:application/json,{}'],
    [publicRegistry, 'null://token'],
    [publicRegistry, 'unix:/var/run/docker.sock:/token'],
    [publicRegistry, 'https://'],
    [publicRegistry, 'https://user:pass-canary@:x/'],
    [privateRegistry, 'http://127.0.0.1/token'],
    [privateRegistry, 'http://169.254.169.254/token'],
    [localRegistry, 'http://169.254.169.254/token'],
    [localRegistry, 'http://10.0.0.1/token'],
  ])('at %s refuses %s', (from, realm) => {
    const error = thrownBy(() => resolveRealm(realm, from))
    expect(error.code).toBe('ERR_INJECT_REALM_REFUSED')
    expect(error.name).toBe('AuthenticationError')
    expect(error.message).not.toMatch(/canary/)
  })
})

describe('reachOf', () => {
  it.each([
    ['registry.example', 'public'],
    ['localhost.example', 'public'],
    ['notlocalhost', 'public'],
    ['1.2.3.4', 'public'],
    ['[2001:db8::1]', 'public'],
    ['localhost', 'loopback'],
    ['x.localhost', 'loopback'],
    ['127.255.0.1', 'loopback'],
    ['[::1]', 'loopback'],
    ['100.64.0.1', 'private'],
    ['0.1.2.3', 'link-local'],
    ['[64:ff9b::808:808]', 'public'],
    ['[64:ff9b::7f00:1]', 'link-local'],
    ['64:ff9b::10.0.0.1', 'private'],
    ['[::a9fe:a9fe]', 'link-local'],
    ['[::808:808]', 'public'],
    ['[2002:c0a8:1::1]', 'private'],
    ['[2002:808:808::1]', 'public'],
    ['2001:db8::1%eth0', 'public'],
    ['[fec0::1]', 'private'],
    ['224.0.0.1', 'link-local'],
    ['[ff02::1]', 'link-local'],
    ['255.255.255.255', 'link-local'],
    ['ip6-localhost', 'link-local'],
    ['localhost.localdomain', 'link-local'],
  ] as const)('judges %s to be %s', (hostname, reach) => {
    expect(reachOf(hostname)).toBe(reach)
  })
})

describe('registryUrl', () => {
  it.each([
    ['registry.example', undefined, 'https://registry.example/'],
    ['registry.example:5000', undefined, 'https://registry.example:5000/'],
    ['registry.example', true, 'http://registry.example/'],
    ['localhost', false, 'https://localhost/'],
    ['docker.io', undefined, 'https://registry-1.docker.io/'],
    ['localhost:5000', undefined, 'http://localhost:5000/'],
    ['x.localhost', undefined, 'http://x.localhost/'],
    ['127.0.0.2:5000', undefined, 'http://127.0.0.2:5000/'],
    ['[::1]:5000', undefined, 'http://[::1]:5000/'],
    ['10.0.0.1:5000', undefined, 'https://10.0.0.1:5000/'],
    ['0.0.0.0:5000', undefined, 'https://0.0.0.0:5000/'],
    ['constructor', undefined, 'https://constructor/'],
  ])('finds %s (plain http %s) at %s', (registry, plainHttp, expected) => {
    expect(registryUrl(registry, plainHttp).href).toBe(expected)
  })
})
