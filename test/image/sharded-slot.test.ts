import fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import {PreconditionError} from '../../src/errors.js'
import {eject, isSameImage} from '../../src/image/eject.js'
import type {Image} from '../../src/image/image.js'
import {inject, type Injection} from '../../src/image/inject.js'
import type {Sharding} from '../../src/image/sharding.js'
import {findSlot, findSlots} from '../../src/image/slot.js'
import {type ImageRecipe, makeImage, makeLayer, textOf} from '../support/images.js'
import {thrownBy} from '../support/thrown-by.js'

const created = '2024-05-06T07:08:09Z'

function put(
  image: Image,
  names: readonly string[],
  members: Partial<Injection> & {readonly family?: ImageRecipe['family']} = {},
): Image {
  const {family, ...rest} = members
  const layers = names.map((name) => makeLayer(name, family))
  return inject(image, {name: 'cvmfs', layers, sharding: 'auto', created, path: '/', ...rest})
}

const diffIds = (image: Image) => image.config.value.rootfs.diff_ids
const ids = (...names: string[]) => names.map((name) => makeLayer(name).diffId)
const labelsOf = (image: Image) => image.config.value.config?.Labels
const stepsOf = (image: Image) => image.config.value.history?.map((step) => step.created_by)

describe('a slot of several layers', () => {
  test('its labels are not those that a tool knows which replaces one layer', () => {
    const image = put(makeImage(), ['a', 'b', 'c'])
    expect(labelsOf(image)).toEqual({
      cvmfs_injection_layers: ids('a', 'b', 'c').join(' '),
      cvmfs_injection_sharding: 'auto',
    })
    expect(findSlot(image, 'cvmfs')).toMatchObject({
      name: 'cvmfs',
      sharding: 'auto',
      layers: [
        {layer: 2, history: 3, diffId: ids('a')[0]},
        {layer: 3, history: 4, diffId: ids('b')[0]},
        {layer: 4, history: 5, diffId: ids('c')[0]},
      ],
    })
    expect(stepsOf(image)).toEqual([
      'step 0',
      'step 1',
      'CMD',
      ...Array<string>(3).fill('inject: cvmfs'),
    ])
  })

  test('layers are replaced one by one, in their order, where the slot is', () => {
    const before = put(makeImage(), ['a', 'b', 'c', 'd'])
    const above = put(before, ['x'], {name: 'other', sharding: 1})
    const image = put(above, ['a', 'new', 'c', 'newer', 'newest'])
    expect(diffIds(image)).toEqual(ids('base 0', 'base 1', 'a', 'new', 'c', 'newer', 'newest', 'x'))
    expect(stepsOf(image)?.slice(3)).toEqual([
      ...Array<string>(5).fill('inject: cvmfs'),
      'inject: other',
    ])
    expect(image.manifest.value.layers.map(({digest}) => digest)).toEqual(
      ['base 0', 'base 1', 'a', 'new', 'c', 'newer', 'newest', 'x'].map(
        (name) => makeLayer(name).descriptor.digest,
      ),
    )
  })

  test('what was noted after the slot stays behind it when the slot grows', () => {
    const history = [
      {created_by: 'A'},
      {created_by: 'inject: cvmfs'},
      {created_by: 'CMD', empty_layer: true},
    ]
    const layers = ['base', 'a'].map((name) => makeLayer(name))
    const labels = {cvmfs_injection_tar: layers[1]?.diffId ?? ''}
    const image = put(makeImage({history, layers, labels}), ['x', 'a', 'y'])
    expect(stepsOf(image)).toEqual(['A', ...Array<string>(3).fill('inject: cvmfs'), 'CMD'])
    expect(diffIds(image)).toEqual(ids('base', 'x', 'a', 'y'))
  })

  test('a layer that stays keeps what the manifest says of it', () => {
    const image = put(makeImage(), ['a', 'b'])
    const descriptor = {...makeLayer('a').descriptor, annotations: {'org.example': 'x'}}
    const manifest = {
      layers: [
        ...image.manifest.value.layers.slice(0, 2),
        descriptor,
        image.manifest.value.layers[3],
      ],
    }
    const annotated = makeImage({
      layers: [0, 1].map((n) => makeLayer(`base ${n}`)).concat(makeLayer('a'), makeLayer('b')),
      history: image.config.value.history as never,
      labels: labelsOf(image) ?? {},
      manifestMembers: manifest,
    })
    const next = put(annotated, ['a', 'c'])
    expect(next.manifest.value.layers[2]).toEqual(descriptor)
  })

  test('a layer that stays and is stored in another way by now is named as it is now', () => {
    const image = put(makeImage(), ['a', 'b'])
    const {diffId} = makeLayer('a')
    const {descriptor} = makeLayer('a recompressed')
    const next = inject(image, {
      name: 'cvmfs',
      layers: [{diffId, descriptor}, makeLayer('c')],
      sharding: 'auto',
      created,
      path: '/',
    })
    expect(next.manifest.value.layers.slice(2)).toEqual([descriptor, makeLayer('c').descriptor])
    expect(diffIds(next)).toEqual(ids('base 0', 'base 1', 'a', 'c'))
  })

  test('no layers, and several that are to be one, are a mistake of the caller', () => {
    expect(() => put(makeImage(), [])).toThrow(TypeError)
    expect(() => put(makeImage(), ['a', 'b'], {sharding: 1})).toThrow(TypeError)
  })

  test('without history there are no entries; a label that says no number is not believed', () => {
    const image = put(makeImage({history: undefined}), ['a', 'b'])
    expect(image.config.value.history).toBeUndefined()
    expect(findSlot(put(image, ['a', 'c', 'd']), 'cvmfs')?.layers).toHaveLength(3)
    for (const sharding of ['0', '128', '1e1', '-1', ''])
      expect(
        findSlot(
          makeImage({
            layers: ['a', 'b'].map((name) => makeLayer(name)),
            labels: {
              cvmfs_injection_layers: ids('a', 'b').join(' '),
              cvmfs_injection_sharding: sharding,
            },
          }),
          'cvmfs',
        )?.sharding,
      ).toBe(2)
  })

  test('from one layer to many and back is where it began', () => {
    const base = makeImage({containerConfig: {Labels: null}})
    const one = put(base, ['whole'], {sharding: 1})
    const many = put(one, ['a', 'b'], {sharding: 8})
    expect(labelsOf(many)).toMatchObject({cvmfs_injection_sharding: '8'})
    expect(labelsOf(many)).not.toHaveProperty('cvmfs_injection_tar')
    expect(labelsOf(many)).not.toHaveProperty('cvmfs_injection_gz')
    const back = put(many, ['whole'], {sharding: 1})
    expect(back.config.value).toEqual(one.config.value)
    expect(isSameImage(eject(many, 'cvmfs'), base)).toBe(true)
  })

  test('one layer by choice of auto looks like any other, and remembers the choice', () => {
    const image = put(makeImage(), ['whole'])
    expect(labelsOf(image)).toEqual({
      cvmfs_injection_tar: makeLayer('whole').diffId,
      cvmfs_injection_gz: makeLayer('whole').descriptor.digest,
      cvmfs_injection_sharding: 'auto',
    })
    expect(findSlot(image, 'cvmfs')?.sharding).toBe('auto')
  })

  test('the same layers again are not a change; other ways to divide them are', () => {
    const image = put(makeImage(), ['a', 'b'])
    expect(put(image, ['a', 'b'])).toBe(image)
    expect(put(image, ['b', 'a'])).not.toBe(image)
    expect(put(image, ['a', 'b'], {sharding: 2})).not.toBe(image)
  })

  test('other layers between them: each is found by its diff ID', () => {
    const image = put(makeImage(), ['a', 'b'])
    const layers = ['base 0', 'a', 'foreign', 'b', 'on top'].map((name) => makeLayer(name))
    const apart = makeImage({layers, labels: labelsOf(image) ?? {}})
    expect(findSlot(apart, 'cvmfs')?.layers.map(({layer}) => layer)).toEqual([1, 3])
    expect(diffIds(put(apart, ['a', 'c', 'd']))).toEqual(
      ids('base 0', 'a', 'c', 'd', 'foreign', 'on top'),
    )
    expect(diffIds(eject(apart, 'cvmfs'))).toEqual(ids('base 0', 'foreign', 'on top'))
  })

  describe('slots that share content, in an image without history', () => {
    const base = () => makeImage({history: undefined})
    const two = () => put(put(base(), ['a', 'dirs', 'b']), ['x', 'dirs', 'y'], {name: 'other'})
    const placesOf = (image: Image) =>
      findSlots(image).map(({name, layers}) => [name, ...layers.map(({layer}) => layer)])

    test('each has its own', () => {
      const image = two()
      expect(placesOf(image)).toEqual([
        ['cvmfs', 2, 3, 4],
        ['other', 5, 6, 7],
      ])
      for (const {name, layers} of findSlots(image))
        expect(findSlot(image, name)?.layers).toEqual(layers)
      // the same again is not a change, of both
      expect(put(image, ['a', 'dirs', 'b'])).toBe(image)
      expect(put(image, ['x', 'dirs', 'y'], {name: 'other'})).toBe(image)
    })

    test('what is done to one is not done to the other', () => {
      const image = put(two(), ['a', 'dirs too', 'b'])
      expect(diffIds(image).slice(2)).toEqual(ids('a', 'dirs too', 'b', 'x', 'dirs', 'y'))
      expect(diffIds(eject(two(), 'cvmfs')).slice(2)).toEqual(ids('x', 'dirs', 'y'))
      expect(diffIds(eject(two(), 'other')).slice(2)).toEqual(ids('a', 'dirs', 'b'))
      expect(isSameImage(eject(eject(two(), 'cvmfs'), 'other'), base())).toBe(true)
      const grown = put(two(), ['x', 'dirs', 'y', 'z'], {name: 'other'})
      expect(diffIds(put(grown, ['b'], {sharding: 1})).slice(2)).toEqual(
        ids('b', 'x', 'dirs', 'y', 'z'),
      )
    })

    test('whichever of them was labelled first', () => {
      // from many layers to one and back: its labels are the last ones now
      const swapped = put(put(two(), ['a'], {sharding: 1}), ['dirs'], {sharding: 1})
      const image = put(swapped, ['x', 'b'], {name: 'third'})
      expect(placesOf(image)).toEqual([
        ['cvmfs', 2],
        ['other', 3, 4, 5],
        ['third', 6, 7],
      ])
      const {Labels = {}} = image.config.value.config ?? {}
      const layers = ['base 0', 'base 1', 'dirs', 'x', 'dirs', 'y', 'x', 'b']
      const reversed = makeImage({
        history: undefined,
        layers: layers.map((name) => makeLayer(name)),
        labels: Object.fromEntries(Object.entries(Labels).reverse()),
      })
      expect(placesOf(reversed)).toEqual(placesOf(image))
    })

    test('equal ones are one below the other, and both are found where only one is left', () => {
      const equal = put(put(base(), ['a', 'b']), ['a', 'b'], {name: 'other'})
      expect(placesOf(equal)).toEqual([
        ['cvmfs', 2, 3],
        ['other', 4, 5],
      ])
      expect(diffIds(put(equal, ['a', 'c'])).slice(2)).toEqual(ids('a', 'c', 'a', 'b'))
      const layers = ['base 0', 'a', 'b'].map((name) => makeLayer(name))
      const left = makeImage({history: undefined, layers, labels: labelsOf(equal) ?? {}})
      expect(placesOf(left).map(([, ...at]) => at)).toEqual([
        [1, 2],
        [1, 2],
      ])
    })

    test("a layer of the base that is the same is not the slot's, nor is one out of order", () => {
      const layers = ['dirs', 'a', 'dirs', 'b', 'top'].map((name) => makeLayer(name))
      const labels = {cvmfs_injection_layers: ids('a', 'dirs', 'b').join(' ')}
      expect(placesOf(makeImage({history: undefined, layers, labels}))).toEqual([
        ['cvmfs', 1, 2, 3],
      ])
      const mixed = ['b', 'dirs', 'a', 'dirs'].map((name) => makeLayer(name))
      expect(placesOf(makeImage({history: undefined, layers: mixed, labels}))).toEqual([
        ['cvmfs', 0, 2, 3],
      ])
    })
  })

  test('a layer of it that is gone', () => {
    const labels = {cvmfs_injection_layers: ids('a', 'gone').join(' ')}
    const image = makeImage({layers: [makeLayer('a')], labels})
    const error = thrownBy(() => findSlot(image, 'cvmfs'))
    expect(error).toBeInstanceOf(PreconditionError)
    expect(error).toMatchObject({code: 'ERR_INJECT_SLOT_LOST'})
    expect(findSlots(image)).toEqual([])
    const empty = makeImage({labels: {cvmfs_injection_layers: ''}})
    expect(thrownBy(() => findSlot(empty, 'cvmfs'))).toBeInstanceOf(PreconditionError)
  })

  test('a layer that an older tool put on top belongs to it, and goes with the next update', () => {
    const image = put(makeImage(), ['a', 'b'])
    const layers = ['base 0', 'base 1', 'a', 'b', 'older'].map((name) => makeLayer(name))
    const labels = {...labelsOf(image), cvmfs_injection_tar: makeLayer('older').diffId}
    const touched = makeImage({layers, labels})
    expect(findSlot(touched, 'cvmfs')?.layers.map(({layer}) => layer)).toEqual([2, 3, 4])
    const next = put(touched, ['a', 'c'])
    expect(diffIds(next)).toEqual(ids('base 0', 'base 1', 'a', 'c'))
    expect(labelsOf(next)).not.toHaveProperty('cvmfs_injection_tar')
  })
})

describe('for all images', () => {
  const recipe = fc.record({
    family: fc.constantFrom('docker' as const, 'oci' as const),
    layers: fc.integer({min: 0, max: 3}),
    history: fc.constantFrom('full', 'none'),
    indent: fc.constantFrom(0, 2, '\t'),
  })
  const makeBase = ({history, ...made}: {history: string} & ImageRecipe): Image =>
    makeImage({...made, ...(history === 'none' && {history: undefined})})
  const step = fc.record({
    name: fc.constantFrom('cvmfs', 'models'),
    sharding: fc.constantFrom<Sharding>('auto', 1, 8),
    contents: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'), {
      minLength: 1,
      maxLength: 8,
    }),
  })

  test('the slot holds what was put in last, and nothing else has moved', () => {
    fc.assert(
      fc.property(
        recipe as never,
        fc.array(step, {minLength: 1, maxLength: 8}),
        (made: never, steps) => {
          const {family} = made as ImageRecipe
          const base = makeBase(made)
          const expected = new Map<string, readonly string[]>()
          let image = base
          for (const {name, sharding, contents} of steps) {
            const used = sharding === 1 ? contents.slice(0, 1) : [...contents].sort()
            // some content is the same in both
            const names = used.map((each) => (each < 'd' ? each : `${name} ${each}`))
            image = put(image, names, {name, sharding, family})
            expected.set(name, names)
            expect(put(image, names, {name, sharding, family})).toBe(image)
          }
          const slots = findSlots(image)
          expect(slots).toHaveLength(expected.size)
          for (const {name, layers} of slots)
            expect(layers.map(({diffId}) => diffId)).toEqual(ids(...(expected.get(name) ?? [])))
          const own = slots.flatMap(({layers}) => layers.map(({layer}) => layer))
          expect(new Set(own).size).toBe(own.length)
          expect(diffIds(image).filter((_, at) => !own.includes(at))).toEqual(diffIds(base))
          for (const {layers} of slots) {
            const [first] = layers
            expect(layers.map(({layer}) => layer)).toEqual(
              layers.map((_, n) => (first?.layer ?? 0) + n),
            )
          }
          const rest = [...expected.keys()].reduce((left, name) => eject(left, name), image)
          expect(isSameImage(rest, base)).toBe(true)
          expect(textOf(rest.config)).not.toContain('_injection_')
        },
      ),
    )
  })
})
