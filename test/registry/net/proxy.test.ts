import {describe, expect, it} from 'vitest'
import {createProxyLookup} from '../../../src/registry/net/proxy.js'

const secure = new URL('https://registry.example/v2/')
const plain = new URL('http://registry.example/v2/')
const nameFor = (env: Record<string, string>, url: URL): string | undefined =>
  createProxyLookup(env)(url)?.name

describe('the proxy', () => {
  it.each<[Record<string, string>, URL, string | undefined]>([
    [{HTTPS_PROXY: 'http://a:1'}, secure, 'http://a:1'],
    [{https_proxy: 'http://a:1'}, secure, 'http://a:1'],
    [{HTTPS_PROXY: 'http://a:1', https_proxy: 'http://b:1'}, secure, 'http://a:1'],
    [{HTTPS_PROXY: '', https_proxy: 'http://b:1'}, secure, 'http://b:1'],
    [{HTTPS_PROXY: 'http://a:1'}, plain, undefined],
    [{HTTP_PROXY: 'http://a:1'}, plain, 'http://a:1'],
    [{HTTP_PROXY: 'http://a:1'}, secure, undefined],
    [{http_proxy: 'http://a:1'}, plain, 'http://a:1'],
    [{HTTP_PROXY: 'http://a:1', REQUEST_METHOD: 'GET'}, plain, undefined],
    [
      {HTTP_PROXY: 'http://a:1', http_proxy: 'http://b:1', REQUEST_METHOD: 'GET'},
      plain,
      'http://b:1',
    ],
    [{HTTPS_PROXY: 'http://a:1', REQUEST_METHOD: 'GET'}, secure, 'http://a:1'],
    [{ALL_PROXY: 'http://a:1'}, secure, undefined],
    [{HTTPS_PROXY: 'proxy.example:3128'}, secure, 'http://proxy.example:3128'],
    [{HTTPS_PROXY: 'proxy.example'}, secure, 'http://proxy.example'],
    [{HTTPS_PROXY: ' https://proxy.example/ '}, secure, 'https://proxy.example'],
    [{HTTPS_PROXY: 'http://[2001:db8::1]:3128'}, secure, 'http://[2001:db8::1]:3128'],
    [{HTTPS_PROXY: 'http://a:1', NO_PROXY: 'registry.example'}, secure, undefined],
    [{HTTPS_PROXY: 'http://a:1', no_proxy: '.example'}, secure, undefined],
    [{HTTPS_PROXY: 'http://a:1', NO_PROXY: 'x', no_proxy: '.example'}, secure, 'http://a:1'],
    [{HTTP_PROXY: 'http://a:1'}, new URL('http://localhost:5000'), undefined],
  ])('of %j for %s is %s', (env, url, expected) => {
    expect(nameFor(env, url)).toBe(expected)
  })

  it.each([
    ['http://user:pw@a:1', 'user:pw'],
    ['http://user@a:1', 'user:'],
    ['http://us%40er:p%3Aw%25@a:1', 'us@er:p:w%'],
    ['http://user:100%@a:1', 'user:100%'],
    ['user:pw@a:1', 'user:pw'],
  ])('%s is told who we are, and shown without', (value, login) => {
    const proxy = createProxyLookup({HTTPS_PROXY: value})(secure)
    expect(proxy).toMatchObject({
      name: 'http://a:1',
      authorization: `Basic ${Buffer.from(login).toString('base64')}`,
    })
    expect(proxy?.url.href).toBe('http://a:1/')
  })

  it.each([
    'socks5://canary:canary@a:1',
    'ftp://a',
    'http://',
    'http://canary:canary@a:99999',
    'a b',
  ])('refuses %s when it is needed, without showing it', (value) => {
    const lookup = createProxyLookup({HTTPS_PROXY: value})
    expect(lookup(plain)).toBeUndefined()
    expect(() => lookup(secure)).toThrow(/^HTTPS_PROXY /)
    expect(() => lookup(secure)).not.toThrow(/canary/)
  })
})
