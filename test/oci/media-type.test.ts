import {expect, test} from 'vitest'
import {
  isForeignLayer,
  layerCompression,
  layerMediaType,
  manifestMediaTypes,
} from '../../src/oci/media-type.js'

test('a new layer is of its image’s family', () => {
  expect(layerMediaType('docker', 'gzip')).toBe('application/vnd.docker.image.rootfs.diff.tar.gzip')
  expect(layerMediaType('docker', 'none')).toBe('application/vnd.docker.image.rootfs.diff.tar')
  expect(layerMediaType('oci', 'gzip')).toBe('application/vnd.oci.image.layer.v1.tar+gzip')
  expect(layerMediaType('oci', 'none')).toBe('application/vnd.oci.image.layer.v1.tar')
})

test.each([
  ['application/vnd.oci.image.layer.v1.tar', 'none'],
  ['application/vnd.oci.image.layer.v1.tar+gzip', 'gzip'],
  ['application/vnd.oci.image.layer.v1.tar+zstd', 'zstd'],
  ['application/vnd.oci.image.layer.nondistributable.v1.tar+gzip', 'gzip'],
  ['application/vnd.docker.image.rootfs.diff.tar', 'none'],
  ['application/vnd.docker.image.rootfs.diff.tar.gzip', 'gzip'],
  ['application/vnd.docker.image.rootfs.diff.tar.zstd', 'zstd'],
  ['application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', 'gzip'],
  ['application/vnd.oci.image.layer.v1.tar+gzip+encrypted', undefined],
  ['application/vnd.oci.image.layer.v1.tartoString', undefined],
  ['application/vnd.oci.image.layer.v1.tar+constructor', undefined],
  ['application/octet-stream', undefined],
  ['', undefined],
])('M32 M34 %s is compressed by %s', (mediaType, compression) => {
  expect(layerCompression(mediaType)).toBe(compression)
})

test('an Accept header of all manifest kinds is short enough to send', () => {
  expect(manifestMediaTypes.join(', ').length).toBeLessThan(1000)
})

test.each([
  ['application/vnd.oci.image.layer.nondistributable.v1.tar+zstd', true],
  ['application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', true],
  ['application/vnd.docker.image.rootfs.diff.tar.gzip', false],
  ['application/vnd.oci.image.layer.v1.tar', false],
])('M33 %s is foreign: %s', (mediaType, isForeign) => {
  expect(isForeignLayer(mediaType)).toBe(isForeign)
})
