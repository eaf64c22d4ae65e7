import {describe, expect, test} from 'vitest'
import {IntegrityError, PreconditionError} from '../../src/errors.js'
import {findSlot, findSlots} from '../../src/image/slot.js'
import {type ImageRecipe, makeImage, makeLayer} from '../support/images.js'
import {thrownBy} from '../support/thrown-by.js'

const [a, b, c] = ['a', 'b', 'c'].map((name) => makeLayer(name)) as [
  ReturnType<typeof makeLayer>,
  ReturnType<typeof makeLayer>,
  ReturnType<typeof makeLayer>,
]
const layers = [a, b, c]
const empty = {created_by: 'ENV', empty_layer: true}
const run = {created_by: 'RUN'}

describe('findSlot', () => {
  test.each<[string, ImageRecipe]>([
    ['no labels', {}],
    ['C1 Labels null', {labels: null}],
    ['C2 no config', {configMembers: {config: undefined}}],
    ['C3 config null', {configMembers: {config: null}}],
    ['other labels', {labels: {maintainer: 'me', other_injection_tar: b.diffId}}],
    ['only the label of the blob', {labels: {cvmfs_injection_gz: b.descriptor.digest}}],
    [
      'only a label in container_config',
      {containerConfig: {Labels: {cvmfs_injection_tar: b.diffId}}},
    ],
  ])('an image without the slot: %s', (_, recipe) => {
    expect(findSlot(makeImage({layers, ...recipe}), 'cvmfs')).toBeUndefined()
  })

  test('T-57 a name that objects inherit is not a slot', () => {
    const image = makeImage({layers, labels: {}})
    expect(findSlot(image, 'constructor')).toBeUndefined()
    expect(findSlots(image)).toEqual([])
  })

  test.each([
    ['C12 first', a, 0, 1],
    ['C12 in the middle', b, 1, 3],
    ['C12 last', c, 2, 4],
  ])('%s', (_, layer, position, step) => {
    const history = [empty, run, empty, run, run, empty]
    const image = makeImage({layers, history, labels: {cvmfs_injection_tar: layer.diffId}})
    const {diffId, descriptor} = layer
    const found = {layer: position, history: step, diffId, descriptor, newest: undefined}
    expect(findSlot(image, 'cvmfs')).toStrictEqual({
      name: 'cvmfs',
      path: '/',
      sharding: 1,
      parents: undefined,
      fleet: undefined,
      ...found,
      layers: [found],
    })
  })

  test.each([
    ['our own entry', {created_by: 'inject: x', created: '2026-01-02T03:04:05Z'}, 1_767_323_045],
    ['that of another slot', {created_by: 'inject: y', created: '2026-01-02T03:04:05Z'}, undefined],
    ['one of another tool', {created: '2026-01-02T03:04:05Z'}, undefined],
    ['no time', {created_by: 'inject: x'}, undefined],
    ['no real time', {created_by: 'inject: x', created: 'yesterday'}, undefined],
    [
      'all there is to write',
      {created_by: 'inject: x', created: '9999-12-31T23:59:59Z'},
      undefined,
    ],
  ])('its history says how new its files are at most: %s', (_, step, newest) => {
    const history = [run, step, run]
    const image = makeImage({layers, history, labels: {x_injection_tar: b.diffId}})
    expect(findSlot(image, 'x')?.layers[0]?.newest).toBe(newest)
  })

  test('C5 without history the slot has none', () => {
    const slot = findSlot(
      makeImage({layers, history: undefined, labels: {x_injection_tar: b.diffId}}),
      'x',
    )
    expect(slot).toMatchObject({layer: 1, history: undefined})
  })

  test('the label of the blob is not believed: a copy may have recompressed the layer', () => {
    const labels = {cvmfs_injection_tar: b.diffId, cvmfs_injection_gz: c.descriptor.digest}
    expect(findSlot(makeImage({layers, labels}), 'cvmfs')?.descriptor).toEqual(b.descriptor)
  })

  test('a slot remembers its path', () => {
    const labels = {m_injection_tar: b.diffId, m_injection_path: '/opt/models'}
    expect(findSlot(makeImage({layers, labels}), 'm')?.path).toBe('/opt/models')
  })

  test.each(['opt', '', '/a/../b', '/a/', '/a\n', '/.wh.a'])(
    'a path label %j is refused',
    (path) => {
      const image = makeImage({layers, labels: {m_injection_tar: b.diffId, m_injection_path: path}})
      const error = thrownBy(() => findSlot(image, 'm'))
      expect(error).toBeInstanceOf(IntegrityError)
      expect(error.code).toBe('ERR_INJECT_SLOT_PATH_INVALID')
      expect(error.message).not.toMatch(/\n/)
    },
  )

  test.each(['', 'x\u001b[2J', makeLayer('other').diffId, b.diffId.toUpperCase()])(
    'C11 a label that names no layer, %j',
    (value) => {
      const image = makeImage({layers, labels: {cvmfs_injection_tar: value}})
      const error = thrownBy(() => findSlot(image, 'cvmfs'))
      expect(error).toBeInstanceOf(PreconditionError)
      expect(error).toMatchObject({
        code: 'ERR_INJECT_SLOT_LOST',
        hint: expect.stringMatching(/^another tool rewrote the layer/) as string,
      })
      expect(error.message).toMatch(/^[\x20-\x7e…]*$/)
      expect(error.hint).toContain('--name')
    },
  )

  describe('C10 equal layers', () => {
    const equal = [a, b, a, c, a]
    const labels = {cvmfs_injection_tar: a.diffId, other_injection_tar: a.diffId}

    test('the one whose history entry is ours', () => {
      const history = [run, run, {created_by: 'inject: cvmfs'}, run, {created_by: 'inject: other'}]
      const image = makeImage({layers: equal, history, labels})
      expect(findSlot(image, 'cvmfs')?.layer).toBe(2)
      expect(findSlot(image, 'other')?.layer).toBe(4)
    })

    test('the one that CernVM-FS’s injector made, for its slot only', () => {
      const history = [{author: 'cvmfs_shrinkwrap'}, run, run, run, run]
      const image = makeImage({layers: equal, history, labels})
      expect(findSlot(image, 'cvmfs')?.layer).toBe(0)
      expect(findSlot(image, 'other')?.layer).toBe(4)
    })

    test.each([undefined, [run, empty, run, run, run, run]])(
      'else the last: history %j',
      (history) => {
        const only = {cvmfs_injection_tar: a.diffId}
        expect(findSlot(makeImage({layers: equal, history, labels: only}), 'cvmfs')?.layer).toBe(4)
        // not that of another slot, which was put on top of it
        const image = makeImage({layers: equal, history, labels})
        expect(findSlot(image, 'other')?.layer).toBe(4)
        expect(findSlot(image, 'cvmfs')?.layer).toBe(2)
      },
    )

    test('a step that made no layer is nobody’s', () => {
      const history = [
        run,
        run,
        {author: 'cvmfs_shrinkwrap'},
        run,
        run,
        {author: 'cvmfs_shrinkwrap', empty_layer: true},
      ]
      expect(findSlot(makeImage({layers: equal, history, labels}), 'cvmfs')?.layer).toBe(2)
    })
  })
})

test('C13 findSlots finds all, in the order of their layers, but not what is lost', () => {
  const labels = {
    late_injection_tar: c.diffId,
    lost_injection_tar: makeLayer('gone').diffId,
    maintainer: 'me',
    early_injection_tar: a.diffId,
    early_injection_path: '/opt',
    _injection_tar: b.diffId,
  }
  const found = findSlots(makeImage({layers, labels}))
  expect(found.map(({name, layer, path}) => [name, layer, path])).toEqual([
    ['early', 0, '/opt'],
    ['late', 2, '/'],
  ])
})
