import fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import type {ConfigEdits} from '../../src/image/config-edits.js'
import {eject, isSameImage} from '../../src/image/eject.js'
import {originOf} from '../../src/image/follow/origin.js'
import type {Image} from '../../src/image/image.js'
import {inject, type Injection} from '../../src/image/inject.js'
import {findSlots} from '../../src/image/slot.js'
import {digestOf} from '../../src/oci/digest.js'
import {type ImageRecipe, makeImage, makeLayer, textOf} from '../support/images.js'
import {thrownBy} from '../support/thrown-by.js'
import {runs} from '../support/property-runs.js'

const created = '2024-05-06T07:08:09Z'
const into = (image: Image, family: ImageRecipe['family'], members: Partial<Injection> = {}) => {
  const name = members.name ?? 'cvmfs'
  const layer = makeLayer(`content of ${name}`, family)
  return inject(image, {name, layers: [layer], created, path: '/', ...members})
}
const edits: ConfigEdits = {
  env: {PATH: '/opt/bin:/usr/bin', NEW: 'x=y'},
  labels: {'org.example.team': 'ours', kept: 'other'},
  entrypoint: ['/bin/app', '--flag'],
  cmd: null,
  workdir: '/work',
  user: '1000:1000',
}
const families = ['docker', 'oci'] as const
const withConfig = (family: (typeof families)[number]) =>
  makeImage({
    family,
    labels: {kept: 'this'},
    configMembers: {
      config: {
        Env: ['PATH=/usr/bin', 'HOME=/root', 'odd'],
        Cmd: ['sh'],
        Labels: {kept: 'this'},
        WorkingDir: '/',
      },
    },
  })

test('an image without labels remembers nothing, and can be given some that go again', () => {
  const base = makeImage({labels: null})
  expect(originOf(base).digest).toBeUndefined()
  const rest = eject(into(base, 'oci', {edits: {labels: {new: 'label'}}}), 'cvmfs')
  expect(isSameImage(rest, base)).toBe(true)
})

test("Docker's manifests take no annotations", () => {
  const image = makeImage({family: 'docker'})
  const reserved = {edits: {labels: {cvmfs_injection_tar: 'x'}}}
  expect(() => into(image, 'oci', reserved)).toThrow(/cvmfs_injection_tar.* by which inject knows/)
  expect(() => into(image, 'docker', {edits: {annotations: {a: 'b'}}})).toThrow(
    expect.objectContaining({code: 'ERR_INJECT_NO_ANNOTATIONS'}) as Error,
  )
})

describe.each(families)('a slot that is taken out of a %s image', (family) => {
  test('leaves what was there before, but for the time', () => {
    const base = withConfig(family)
    const image = into(base, family)
    expect(originOf(image).digest).toBe(base.manifest.descriptor.digest)
    const rest = eject(image, 'cvmfs')
    expect(findSlots(rest)).toEqual([])
    expect(originOf(rest).digest).toBeUndefined()
    expect(rest.config.value).toEqual({...base.config.value, created})
    expect(rest.manifest.value).toEqual({
      ...base.manifest.value,
      config: rest.config.descriptor,
      ...(family === 'oci' && {annotations: {}}),
    })
    expect(isSameImage(rest, base)).toBe(true)
  })

  test('takes its edits with it, those of several updates too', () => {
    const base = withConfig(family)
    const once = into(base, family, {edits})
    expect(once.config.value.config).toMatchObject({
      Env: ['PATH=/opt/bin:/usr/bin', 'HOME=/root', 'odd', 'NEW=x=y'],
      Entrypoint: ['/bin/app', '--flag'],
      WorkingDir: '/work',
      User: '1000:1000',
    })
    expect(once.config.value.config).not.toHaveProperty('Cmd')
    expect(once.config.value.config?.Labels).toMatchObject({'org.example.team': 'ours'})
    expect(into(once, family, {edits})).toBe(once)
    const more = {env: {PATH: '/other', HOME: null}, cmd: ['bash'], labels: {kept: null}}
    const twice = into(once, family, {edits: more})
    const rest = eject(twice, 'cvmfs')
    expect(rest.config.value.config).toMatchObject({
      Cmd: ['sh'],
      Labels: {kept: 'this'},
      WorkingDir: '/',
    })
    expect(rest.config.value.config).not.toHaveProperty('User')
    expect(rest.config.value.config).not.toHaveProperty('Entrypoint')
    expect(new Set(rest.config.value.config?.['Env'] as string[])).toEqual(
      new Set(['PATH=/usr/bin', 'HOME=/root', 'odd']),
    )
  })

  test('stays out of the way of the others', () => {
    const base = withConfig(family)
    const both = into(into(base, family, {edits: {env: {A: '1'}}}), family, {name: 'models'})
    const rest = eject(both, 'cvmfs')
    expect(findSlots(rest).map(({name}) => name)).toEqual(['models'])
    expect(originOf(rest).digest).toBe(base.manifest.descriptor.digest)
    expect(isSameImage(rest, base)).toBe(false)
    expect(isSameImage(eject(rest, 'models'), base)).toBe(true)
  })
})

test('what Docker kept of the last container is tidied, too', () => {
  const base = makeImage({family: 'docker', containerConfig: {Labels: {a: 'b'}}})
  const rest = eject(into(base, 'docker', {path: '/opt'}), 'cvmfs')
  expect(rest.config.value.container_config).toEqual({Labels: {a: 'b'}})
  expect(isSameImage(rest, base)).toBe(true)
})

test('annotations are edited in the manifest, and come back', () => {
  const base = makeImage({manifestMembers: {annotations: {a: 'b', c: 'd'}}})
  const image = into(base, 'oci', {edits: {annotations: {a: 'other', new: 'n', c: null}}})
  expect(image.manifest.value.annotations).toMatchObject({a: 'other', new: 'n'})
  expect(eject(image, 'cvmfs').manifest.value.annotations).toEqual({a: 'b', c: 'd'})
})

test('an image without history, and with a config blob that says where else it is', () => {
  const base = makeImage({history: undefined})
  const rest = eject(into(base, 'oci'), 'cvmfs')
  expect(rest.config.value.history).toBeUndefined()
  expect(isSameImage(rest, base)).toBe(true)
})

test.each([
  [[], 'it has no slots at all'],
  [['b', 'a'], 'its slots: b, a'],
])('there must be such a slot: %j', (names, hint) => {
  const image = names.reduce((current, name) => into(current, 'oci', {name}), makeImage())
  expect(thrownBy(() => eject(image, 'cvmfs'))).toMatchObject({
    code: 'ERR_INJECT_NO_SLOT',
    hint,
  })
})

test('T-57 a label of anybody’s is not a record of edits', () => {
  for (const text of ['{', '[]', '{"env":{"a":1}}', '{"x":1}', 'null', '{"cmd":"sh"}']) {
    const base = makeImage({labels: {cvmfs_injection_before: text}})
    const rest = eject(into(base, 'oci'), 'cvmfs')
    expect(rest.config.value.config?.['Env']).toEqual(base.config.value.config?.['Env'])
  }
})

test('another image is not what remains', () => {
  const base = makeImage()
  const rest = eject(into(base, 'oci'), 'cvmfs')
  expect(isSameImage(rest, makeImage({layers: 3}))).toBe(false)
  expect(isSameImage(rest, makeImage({labels: {a: 'b'}}))).toBe(false)
  expect(isSameImage(rest, makeImage({configMembers: {config: null, os: 'windows'}}))).toBe(false)
  expect(originOf(makeImage({labels: {'dev.inject.base': 'x'}})).digest).toBeUndefined()
})

test('P24 out of what was put in remains what was there, whatever came between', () => {
  const texts = fc.dictionary(fc.constantFrom('A', 'B', 'PATH'), fc.option(fc.string()))
  const list = fc.option(fc.array(fc.string(), {maxLength: 2}), {nil: null})
  const change = fc.record(
    {env: texts, labels: texts, cmd: list, entrypoint: list, user: fc.option(fc.string())},
    {requiredKeys: []},
  )
  const recipe: fc.Arbitrary<ImageRecipe> = fc.record({
    family: fc.constantFrom(...families),
    layers: fc.integer({min: 0, max: 3}),
    labels: fc.dictionary(fc.string({minLength: 3}), fc.string()),
    algorithm: fc.constantFrom('sha256' as const, 'sha512' as const),
    indent: fc.constantFrom(0, 2),
  })
  fc.assert(
    fc.property(recipe, fc.array(change, {minLength: 1, maxLength: 10}), (made, changes) => {
      const base = makeImage(made)
      const full = changes.reduce<Image>(
        (image, one, round) =>
          into(image, made.family, {
            edits: one,
            layers: [makeLayer(`round ${round}`, made.family)],
          }),
        base,
      )
      const rest = eject(full, 'cvmfs')
      expect(isSameImage(rest, base)).toBe(true)
      expect(originOf(full).digest).toBe(digestOf(base.manifest.bytes, made.algorithm))
      expect(textOf(rest.manifest)).not.toContain('dev.inject')
    }),
    {numRuns: runs(0.3)},
  )
})
