import {describe, expect, it} from 'vitest'
import {digestOf} from '../../../src/oci/digest.js'
import {commitUrl, resolveLocation} from '../../../src/registry/upload/location.js'
import {thrownBy} from '../../support/thrown-by.js'

const from = new URL('https://registry.example:8443/v2/a/blobs/uploads/')
const local = new URL('http://127.0.0.1:5000/v2/a/blobs/uploads/')

const hub = new URL('https://registry.example/v2/a/blobs/uploads/')
const port443 = new URL('https://registry.example:443/v2/a/blobs/uploads/')

describe('T-33 R8 resolveLocation', () => {
  it.each([
    [
      from,
      '/v2/a/blobs/uploads/1?_state=x',
      'https://registry.example:8443/v2/a/blobs/uploads/1?_state=x',
    ],
    [from, '1', 'https://registry.example:8443/v2/a/blobs/uploads/1'],
    [from, '?_state=x', 'https://registry.example:8443/v2/a/blobs/uploads/?_state=x'],
    [from, '../../../b/1', 'https://registry.example:8443/v2/b/1'],
    [from, 'https://registry.example:8443/u', 'https://registry.example:8443/u'],
    [from, 'HTTPS://REGISTRY.example:8443/u', 'https://registry.example:8443/u'],
    [from, 'https://storage.example/u', 'https://storage.example/u'],
    [from, '//storage.example/u', 'https://storage.example/u'],
    [from, 'https://registry.example/u', 'https://registry.example/u'],
    [from, '/u?digest=sha256:0#part', 'https://registry.example:8443/u?digest=sha256:0'],
    [from, '/u?sig=a%20b%2Bc~d', 'https://registry.example:8443/u?sig=a%20b%2Bc~d'],
    [from, '/u\r\nx-evil: 1', 'https://registry.example:8443/ux-evil:%201'],
    // hosts without a scheme
    [from, 'registry.example:8443/v2/a/1', 'https://registry.example:8443/v2/a/1'],
    [from, 'registry.example/v2/a/1', 'https://registry.example/v2/a/1'],
    [from, 'storage.example/v2/a/1', 'https://storage.example/v2/a/1'],
    [local, '127.0.0.1:5000/v2/a/1?_state=x', 'http://127.0.0.1:5000/v2/a/1?_state=x'],
    [local, 'localhost:5000/v2/a/1', 'http://localhost:5000/v2/a/1'],
    // the usual port, said by one side only: the same origin
    [hub, 'https://registry.example:443/u', 'https://registry.example/u'],
    [port443, 'https://registry.example/u', 'https://registry.example/u'],
    [local, 'http://127.0.0.1:5001/u', 'http://127.0.0.1:5001/u'],
    [local, 'https://storage.example/u', 'https://storage.example/u'],
  ])('from %s goes on at %s', (base, location, expected) => {
    expect(resolveLocation(location, base).href).toBe(expected)
  })

  it.each([
    [from, 'http://registry.example:8443/u', 'https://registry.example:8443/u'],
    [from, 'http://registry.example/u', 'https://registry.example:8443/u'],
    [from, 'http://registry.example:80/u', 'https://registry.example:8443/u'],
    [hub, 'http://registry.example/u', 'https://registry.example/u'],
  ])('from %s keeps https at %s, and says so', (base, location, expected) => {
    let said = 0
    expect(resolveLocation(location, base, () => said++).href).toBe(expected)
    expect(said).toBe(1)
  })

  it.each([
    [from, undefined],
    [from, ''],
    [from, 'http://storage.example/u'],
    [from, 'https://user:pass-canary@registry.example:8443/u'],
    [from, 'https://user@storage.example/u'],
    [from, '//user:pass-canary@registry.example:8443/u'],
    [from, 'file:///tmp/u'],
    [from, 'unix:/run/x.sock:/u'],
    [from, 'http://unix:/run/x.sock:/u'],
    [from, 'data:text/plain,x'],
    [from, 'https://'],
    [from, 'https://127.0.0.1/u'],
    [from, 'https://2130706433/u'],
    [from, 'https://localhost/u'],
    [from, '127.0.0.1:5000/v2/u'],
    [from, 'https://10.0.0.1/u'],
    [from, 'https://169.254.169.254/u'],
    [from, 'https://[::1]/u'],
    [from, 'https://[::ffff:10.0.0.1]/u'],
    [local, 'http://169.254.169.254/u'],
    [local, 'http://10.0.0.1/u'],
  ])('from %s refuses %s', (base, location) => {
    const error = thrownBy(() => resolveLocation(location, base))
    expect(error).toMatchObject({name: 'NetworkError', code: 'ERR_INJECT_LOCATION_REFUSED'})
    expect(error.message).not.toMatch(/canary/)
  })
})

describe('commitUrl', () => {
  const digest = digestOf(Buffer.from('x'))
  const encoded = encodeURIComponent(digest)
  it.each([
    ['https://r/u', `https://r/u?digest=${encoded}`],
    ['https://r/u?_state=a%20b~c+d&e', `https://r/u?_state=a%20b~c+d&e&digest=${encoded}`],
    ['https://r/u?digest=sha256%3Aold&a=b', `https://r/u?digest=${encoded}&a=b`],
  ])('adds the digest to %s', (location, expected) => {
    expect(commitUrl(new URL(location), digest).href).toBe(expected)
  })
})
