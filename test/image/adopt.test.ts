import {describe, expect, test} from 'vitest'
import {adopt} from '../../src/image/adopt.js'
import {decodeImage, encodedManifest, type Image} from '../../src/image/image.js'
import {inject} from '../../src/image/inject.js'
import {findSlot} from '../../src/image/slot.js'
import {digestOf} from '../../src/oci/digest.js'
import {makeDocuments, makeImage, makeLayer} from '../support/images.js'
import {thrownBy} from '../support/thrown-by.js'

const [a, b] = [makeLayer('a'), makeLayer('b')]
const own = makeLayer('own')
const created = '2024-05-06T07:08:09Z'
const injected = inject(makeImage({layers: [a, b]}), {
  name: 'cvmfs',
  path: '/opt',
  layers: [own],
  created,
})

/** As a tool leaves it that changes the times in all layers: other digests, the same labels. */
function rewritten(image: Image): Image {
  const {layers} = image.manifest.value
  const others = layers.map((_, at) => makeLayer(`rewritten ${at}`))
  const config = {
    ...image.config.value,
    rootfs: {type: 'layers', diff_ids: others.map(({diffId}) => diffId)},
  }
  const bytes = Buffer.from(JSON.stringify(config))
  const text = JSON.stringify({
    ...image.manifest.value,
    config: {...image.manifest.value.config, digest: digestOf(bytes), size: bytes.length},
    layers: others.map(({descriptor}) => descriptor),
  })
  const manifest = Buffer.from(text)
  const {mediaType} = image.manifest.descriptor
  const descriptor = {mediaType, digest: digestOf(manifest), size: manifest.length}
  return decodeImage(encodedManifest({descriptor, bytes: manifest}), bytes)
}

describe('W36 a slot whose layer another tool has rewritten', () => {
  const image = rewritten(injected)
  const [, , layer] = image.manifest.value.layers

  test('the error says which layer it probably is, and how to take it', () => {
    expect(thrownBy(() => findSlot(image, 'cvmfs'))).toMatchObject({
      code: 'ERR_INJECT_SLOT_LOST',
      hint: expect.stringContaining('layer 3, as its history says, add --adopt 3') as string,
    })
  })

  test.each([
    ['its number', '3'],
    ['its digest', layer!.digest],
    ['its diff ID', image.config.value.rootfs.diff_ids[2]!],
  ])('is adopted by %s', (_, wanted) => {
    const adopted = adopt(image, 'cvmfs', wanted)
    const slot = findSlot(adopted, 'cvmfs')
    expect(slot).toMatchObject({layer: 2, path: '/opt', history: 3})
    expect(adopted.config.value.config?.Labels).toMatchObject({
      cvmfs_injection_gz: layer!.digest,
      cvmfs_injection_path: '/opt',
    })
    // and is replaced in its place from now on
    const next = inject(adopted, {name: 'cvmfs', path: '/opt', layers: [own], created})
    expect(next.manifest.value.layers).toHaveLength(3)
    expect(adopt(adopted, 'cvmfs', wanted)).toBe(adopted)
  })

  test('of several layers is one from then on', () => {
    const layers = [makeLayer('one'), makeLayer('two')]
    const divided = inject(makeImage({layers: [a]}), {
      ...{name: 'cvmfs', path: '/', layers, created},
      sharding: 2,
    })
    const adopted = adopt(rewritten(divided), 'cvmfs', '2')
    expect(findSlot(adopted, 'cvmfs')?.layers).toHaveLength(1)
    expect(Object.keys(adopted.config.value.config?.Labels ?? {})).not.toContain(
      'cvmfs_injection_layers',
    )
  })

  test.each<[string, () => Image, string, string]>([
    ['no such layer', () => image, '4', 'has no layer "4"'],
    ['layer 0', () => image, '0', 'has no layer "0"'],
    ['an image without the slot', () => makeImage(), '1', 'was never labelled'],
    [
      'the only layer, of a flattened image',
      () => makeImage({layers: [a], labels: {cvmfs_injection_tar: own.diffId}}),
      '1',
      'all that the image holds',
    ],
    ['a layer of the image beside an intact slot', () => injected, '1', 'still has its own layers'],
    [
      "another slot's layer",
      () =>
        makeImage({
          layers: [a, b],
          labels: {cvmfs_injection_tar: own.diffId, other_injection_tar: b.diffId},
        }),
      '2',
      'belongs to slot "other"',
    ],
  ])('%s is not adopted', (_, make, wanted, why) => {
    expect(thrownBy(() => adopt(make(), 'cvmfs', wanted))).toMatchObject({
      code: 'ERR_INJECT_NOT_ADOPTED',
      message: expect.stringContaining(why) as string,
      hint: expect.any(String) as string,
    })
  })

  test('what is not about the slot keeps its bytes', () => {
    const {configBytes} = makeDocuments({layers: [a, b]})
    const odd = makeImage({layers: [a, b], labels: {cvmfs_injection_tar: 'x', z: '\u00e9'}})
    const adopted = adopt(odd, 'cvmfs', '2')
    expect(adopted.config.value.config?.Labels).toMatchObject({z: '\u00e9'})
    expect(configBytes.length).toBeLessThan(adopted.config.bytes.length)
    expect(adopted.manifest.value.layers).toEqual(odd.manifest.value.layers)
  })
})
