import {describe, expect, it} from 'vitest'
import {
  changedTwice,
  putSlots,
  refuseBuiltUpon,
  takeSlots,
} from '../../../src/image/follow/carry-slots.js'
import {originOf} from '../../../src/image/follow/origin.js'
import {eject, isSameImage} from '../../../src/image/eject.js'
import type {Image} from '../../../src/image/image.js'
import {inject, type Injection} from '../../../src/image/inject.js'
import {findSlot, findSlots} from '../../../src/image/slot.js'
import {type ImageRecipe, makeImage, makeLayer, textOf} from '../../support/images.js'
import {thrownBy} from '../../support/thrown-by.js'

const families = ['oci', 'docker'] as const
const origin = 'registry.example/team/app:v1'

/** A vendor's image of a version. */
function vendor(version: string, recipe: ImageRecipe = {}): Image {
  const {family = 'oci'} = recipe
  const layers = ['shared', `layer of ${version}`].map((name) => makeLayer(name, family))
  return makeImage({layers, ...recipe})
}

function injected(base: Image, name: string, more: Partial<Injection> = {}): Image {
  const family = base.manifest.descriptor.mediaType.includes('docker') ? 'docker' : 'oci'
  const layers = [makeLayer(`content of ${name}`, family)]
  return inject(base, {name, layers, created: '2024-05-01T00:00:00Z', path: '/', origin, ...more})
}

/** The slots of `image` on `onto`. */
function carried(image: Image, onto: Image): Image {
  const {slots} = takeSlots(image)
  return putSlots(onto, slots, {digest: onto.manifest.descriptor.digest, origin})
}

describe.each(families)('an image in %s format', (family) => {
  it('gets the same slots on another base, with the labels, edits and history that an update gives', () => {
    const edits = {env: {DATA: '/data'}, entrypoint: ['/run']}
    const put = (base: Image) =>
      injected(injected(base, 'models', {path: '/opt/models', edits}), 'cvmfs')
    const [old, next] = [vendor('v1', {family}), vendor('v2', {family})]
    const result = carried(put(old), next)
    expect(textOf(result.manifest)).toBe(textOf(put(next).manifest))
    expect(textOf(result.config)).toBe(textOf(put(next).config))
    expect(originOf(result)).toEqual({digest: next.manifest.descriptor.digest, name: origin})
  })

  it('is the new base again without its slots', () => {
    const [old, next] = [vendor('v1', {family}), vendor('v2', {family})]
    const result = carried(injected(injected(old, 'a'), 'b', {edits: {labels: {x: 'y'}}}), next)
    const rest = eject(eject(result, 'a'), 'b')
    expect(isSameImage(rest, next)).toBe(true)
    expect(originOf(rest)).toEqual({digest: undefined, name: undefined})
  })
})

it('slots keep their order, their sharding and where their directories come from', () => {
  const layers = ['one', 'two'].map((name) => makeLayer(name))
  const image = injected(injected(vendor('v1'), 'b', {layers, sharding: 'auto'}), 'a', {
    parents: 'base',
  })
  const result = carried(image, vendor('v2'))
  expect(findSlots(result).map(({name}) => name)).toEqual(['b', 'a'])
  expect(findSlot(result, 'b')).toMatchObject({sharding: 'auto', parents: undefined})
  expect(findSlot(result, 'a')).toMatchObject({sharding: 1, parents: 'base'})
})

it('of two slots that edit the same member each undoes its own', () => {
  const first = injected(vendor('v1'), 'a', {edits: {env: {X: 'a'}}})
  const result = carried(injected(first, 'b', {edits: {env: {X: 'b'}}}), vendor('v2'))
  expect(result.config.value.config?.['Env']).toContain('X=b')
  const without = eject(result, 'b')
  expect(without.config.value.config?.['Env']).toContain('X=a')
  expect(eject(without, 'a').config.value.config?.['Env']).toEqual(['PATH=/bin'])
})

it('members that a slot and the vendor both changed are told, others are not', () => {
  const edits = {env: {PATH: '/mine', DATA: '/data'}, cmd: ['x'], labels: {a: 'b'}}
  const image = injected(vendor('v1'), 'cvmfs', {edits})
  const config = {Env: ['PATH=/usr/bin'], Cmd: ['sh', '-l']}
  const next = vendor('v2', {configMembers: {config}})
  const twice = [
    {slot: 'cvmfs', member: 'env "PATH"'},
    {slot: 'cvmfs', member: 'cmd'},
  ]
  const taken = takeSlots(image)
  expect([...changedTwice(taken, next)].sort((a, b) => (a.member < b.member ? 1 : -1))).toEqual(
    twice,
  )
  expect(changedTwice(taken, vendor('v2'))).toEqual([])
  // the slot's value counts
  expect(carried(image, next).config.value.config).toMatchObject({Cmd: ['x']})
})

it('annotations of the base name the new one', () => {
  const annotations = {
    'org.opencontainers.image.base.name': 'registry.example/old:v0',
    'org.opencontainers.image.base.digest': 'sha256:old',
  }
  const next = vendor('v2')
  const result = carried(injected(vendor('v1'), 'cvmfs', {edits: {annotations}}), next)
  expect(result.manifest.value.annotations).toMatchObject({
    'org.opencontainers.image.base.name': origin,
    'org.opencontainers.image.base.digest': next.manifest.descriptor.digest,
  })
})

it('a layer of an image in Docker format gets the type of the OCI image that it is put on', () => {
  const result = carried(injected(vendor('v1', {family: 'docker'}), 'cvmfs'), vendor('v2'))
  expect(result.manifest.value.layers.at(-1)?.mediaType).toBe(
    'application/vnd.oci.image.layer.v1.tar+gzip',
  )
})

describe('an image that somebody built upon', () => {
  const base = vendor('v1')
  const image = injected(base, 'cvmfs')
  const above = makeLayer('above')
  const child = makeImage({
    layers: [...layersOf(image), above],
    labels: image.config.value.config?.Labels ?? {},
  })

  it.each([
    ['with the original', base],
    ['without it', undefined],
  ])('is refused for a layer above the slot, %s', (_, original) => {
    const error = thrownBy(() => refuseBuiltUpon(child, takeSlots(child), original, 'the image'))
    expect(error).toMatchObject({code: 'ERR_INJECT_BUILT_UPON'})
  })

  it('is refused for a step behind the slot, and for a config that is another one', () => {
    const steps = {history: [...(image.config.value.history ?? []), {empty_layer: true}]}
    const later = makeImage({
      layers: layersOf(image),
      labels: image.config.value.config?.Labels ?? {},
      ...steps,
    })
    for (const original of [base, undefined])
      expect(
        thrownBy(() => refuseBuiltUpon(later, takeSlots(later), original, 'the image')),
      ).toMatchObject({code: 'ERR_INJECT_BUILT_UPON'})
  })

  it('is taken as it is when it is the original with slots', () => {
    expect(() => refuseBuiltUpon(image, takeSlots(image), base, 'the image')).not.toThrow()
    expect(() => refuseBuiltUpon(image, takeSlots(image), undefined, 'the image')).not.toThrow()
  })
})

it('an image that has lost a layer of a slot is refused', () => {
  const labels = {cvmfs_injection_tar: makeLayer('gone').diffId}
  expect(thrownBy(() => takeSlots(makeImage({labels})))).toMatchObject({
    code: 'ERR_INJECT_SLOT_LOST',
  })
})

function layersOf({manifest, config}: Image) {
  return manifest.value.layers.map((descriptor, at) => {
    const diffId = config.value.rootfs.diff_ids[at]
    if (!diffId) throw new Error('no diff ID')
    return {descriptor, diffId}
  })
}
