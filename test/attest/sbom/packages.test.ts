import {describe, expect, it} from 'vitest'
import {isMetadata, packagesIn} from '../../../src/attest/sbom/packages.js'

describe('packages', () => {
  it.each([
    [
      '/usr/lib/python3/x-1.0.dist-info/METADATA',
      'Name: X.y_Z\nVersion: 1.0\n\nVersion: 2',
      'pkg:pypi/x-y-z@1.0',
    ],
    [
      '/opt/node_modules/@a/b/package.json',
      '{"name":"@a/b","version":"1.0.0"}',
      'pkg:npm/%40a/b@1.0.0',
    ],
    [
      '/var/lib/dpkg/status.d/libc6',
      'Package: libc6\nVersion: 2.36-9+deb12u1',
      'pkg:deb/debian/libc6@2.36-9%2Bdeb12u1',
    ],
    [
      '/var/lib/dpkg/status',
      'Package: a\nStatus: install ok installed\nVersion: 1\n\nPackage: b\nStatus: deinstall ok config-files\nVersion: 2\n',
      'pkg:deb/debian/a@1',
    ],
  ])('in %s', (path, content, purl) => {
    expect(isMetadata(path)).toBe(true)
    expect(packagesIn(path, content).map((found) => found.purl)).toEqual([purl])
  })

  it.each([
    ['/opt/node_modules/x/package.json', '{"name":1}'],
    ['/opt/node_modules/x/package.json', 'not JSON'],
    ['/opt/node_modules/x/package.json', '{"name":"x\\ny","version":"1"}'],
    ['/a.dist-info/METADATA', 'Name: <script>\nVersion: 1'],
    ['/a.dist-info/METADATA', ''],
    ['/etc/passwd', 'Name: x\nVersion: 1'],
  ])('there are none in %s: %j', (path, content) => {
    expect(packagesIn(path, content)).toEqual([])
  })
})
