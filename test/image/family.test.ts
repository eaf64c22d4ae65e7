import {expect, it} from 'vitest'
import {eject} from '../../src/image/eject.js'
import {checkFamily, checkPlain, newLayerType} from '../../src/image/family.js'
import type {Image} from '../../src/image/image.js'
import {inject} from '../../src/image/inject.js'
import {findSlot} from '../../src/image/slot.js'
import {makeImage, makeLayer} from '../support/images.js'

const created = '2026-01-01T00:00:00Z'
const mixed = {name: 'PreconditionError', code: 'ERR_INJECT_MIXED_FAMILIES'}

it.each([
  ['oci', 'docker', 'OCI\'s, layer 2 of 2 is "application/vnd.docker.image.rootfs.diff.tar.gzip"'],
  ['docker', 'oci', 'Docker\'s, layer 2 of 2 is "application/vnd.oci.image.layer.v1.tar+gzip"'],
] as const)(
  'an image of %s with a layer of %s is refused, and which layer it is',
  (family, other, text) => {
    const image = makeImage({family, layers: [makeLayer('a', family), makeLayer('b', other)]})
    const message = expect.stringContaining(text) as string
    const thrown = expect.objectContaining({...mixed, message}) as Error
    expect(() => checkFamily(image)).toThrow(thrown)
    const injection = {name: 'cvmfs', path: '/', layers: [makeLayer('c', family)], created}
    expect(() => inject(image, injection)).toThrow(thrown)
    expect(() => eject(image, 'cvmfs')).toThrow(thrown)
  },
)

it('a config of the other family is refused', () => {
  const {manifest, config} = makeImage()
  const value = {
    ...manifest.value,
    config: {...manifest.value.config, mediaType: 'application/vnd.docker.container.image.v1+json'},
  }
  const image: Image = {manifest: {...manifest, value}, config}
  expect(() => checkFamily(image)).toThrow('its config is "application/vnd.docker.container')
})

it.each(['oci', 'docker'] as const)(
  'layers of no family, and foreign ones, are at home in %s',
  (family) => {
    const own = makeLayer('a', family)
    const types = [
      'application/vnd.in-toto+json',
      family === 'oci'
        ? 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip'
        : 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
    ]
    const layers = types.map((mediaType) => ({...own, descriptor: {...own.descriptor, mediaType}}))
    expect(() => checkFamily(makeImage({family, layers}))).not.toThrow()
  },
)

it('zstd is a layer type of OCI’s only', () => {
  expect(newLayerType(makeImage(), 'zstd')).toBe('application/vnd.oci.image.layer.v1.tar+zstd')
  const docker = makeImage({family: 'docker'})
  expect(() => newLayerType(docker, 'zstd')).toThrow(
    expect.objectContaining({
      code: 'ERR_INJECT_ZSTD_IN_DOCKER',
      hint: expect.stringContaining('--to-oci') as string,
    }) as Error,
  )
  expect(newLayerType(docker, 'none')).toBe('application/vnd.docker.image.rootfs.diff.tar')
})

it('M34 an encrypted slot is not replaced by a plain one; another slot of that image is', () => {
  const layer = makeLayer('secret')
  const image = makeImage({
    layers: [
      makeLayer('a'),
      {
        ...layer,
        descriptor: {...layer.descriptor, mediaType: `${layer.descriptor.mediaType}+encrypted`},
      },
    ],
    labels: {cvmfs_injection_tar: layer.diffId},
  })
  const refused = expect.objectContaining({code: 'ERR_INJECT_SLOT_ENCRYPTED'}) as Error
  expect(() => checkPlain(findSlot(image, 'cvmfs'))).toThrow(refused)
  const injection = {name: 'cvmfs', path: '/', layers: [makeLayer('b')], created}
  expect(() => inject(image, injection)).toThrow(refused)
  const other = inject(image, {...injection, name: 'other'})
  expect(other.manifest.value.layers.slice(0, 2)).toEqual(image.manifest.value.layers)
  expect(findSlot(eject(image, 'cvmfs'), 'cvmfs')).toBeUndefined()
})
