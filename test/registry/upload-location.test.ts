import {describe, expect, it} from 'vitest'
import {digestOf} from '../../src/oci/digest.js'
import {commitUrl, resolveLocation} from '../../src/registry/upload-location.js'
import {thrownBy} from '../support/thrown-by.js'

const from = new URL('https://registry.example:8443/v2/a/blobs/uploads/')
const local = new URL('http://127.0.0.1:5000/v2/a/blobs/uploads/')

describe('T-33 resolveLocation', () => {
  it.each([
    [
      from,
      '/v2/a/blobs/uploads/1?_state=x',
      'https://registry.example:8443/v2/a/blobs/uploads/1?_state=x',
    ],
    [from, '1', 'https://registry.example:8443/v2/a/blobs/uploads/1'],
    [from, 'https://registry.example:8443/u', 'https://registry.example:8443/u'],
    [from, 'https://storage.example/u', 'https://storage.example/u'],
    [from, '//storage.example/u', 'https://storage.example/u'],
    [from, 'http://registry.example:8443/u', 'https://registry.example:8443/u'],
    [from, 'http://registry.example/u', 'https://registry.example:8443/u'],
    [
      new URL('https://registry.example/'),
      'http://registry.example/u',
      'https://registry.example/u',
    ],
    [from, '/u?digest=sha256:0#part', 'https://registry.example:8443/u?digest=sha256:0'],
    [local, 'http://127.0.0.1:5001/u', 'http://127.0.0.1:5001/u'],
    [local, 'https://storage.example/u', 'https://storage.example/u'],
  ])('from %s goes on to %s', (base, location, expected) => {
    expect(resolveLocation(location, base).href).toBe(expected)
  })

  it.each([
    [from, undefined],
    [from, ''],
    [from, 'http://storage.example/u'],
    [from, 'https://user:pass-canary@registry.example:8443/u'],
    [from, 'https://user@storage.example/u'],
    [from, 'file:///tmp/u'],
    [from, 'unix:/run/x.sock:/u'],
    [from, 'https://'],
    [from, 'https://127.0.0.1/u'],
    [from, 'https://169.254.169.254/u'],
    [from, 'https://[::ffff:10.0.0.1]/u'],
    [local, 'http://169.254.169.254/u'],
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
