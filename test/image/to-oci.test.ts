import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {eject} from '../../src/image/eject.js'
import {checkFamily} from '../../src/image/family.js'
import type {Image, Layer} from '../../src/image/image.js'
import {inject} from '../../src/image/inject.js'
import {replaceImages} from '../../src/image/index/replace-images.js'
import {findSlots} from '../../src/image/slot.js'
import {toOci} from '../../src/image/to-oci.js'
import {digestOf} from '../../src/oci/digest.js'
import {familyOf} from '../../src/oci/manifest.js'
import {dockerManifest, ociIndex, ociManifest} from '../../src/oci/media-type.js'
import {imageOfTexts, makeImage, makeLayer, textOf} from '../support/images.js'
import {makeAttestation, makeEntry, makeTree} from '../support/indexes.js'
import {runs} from '../support/property-runs.js'

const docker = 'application/vnd.docker.image.rootfs'
const oci = 'application/vnd.oci.image.layer'

const pairs = [
  [`${docker}.diff.tar`, `${oci}.v1.tar`],
  [`${docker}.diff.tar.gzip`, `${oci}.v1.tar+gzip`],
  [`${docker}.diff.tar.zstd`, `${oci}.v1.tar+zstd`],
  [`${docker}.foreign.diff.tar`, `${oci}.nondistributable.v1.tar`],
  [`${docker}.foreign.diff.tar.gzip`, `${oci}.nondistributable.v1.tar+gzip`],
  [`${oci}.v1.tar+gzip+encrypted`, `${oci}.v1.tar+gzip+encrypted`],
  [`${oci}.nondistributable.v1.tar+zstd`, `${oci}.nondistributable.v1.tar+zstd`],
  ['application/vnd.in-toto+json', 'application/vnd.in-toto+json'],
] as const

function typed(mediaType: string, name = mediaType): Layer {
  const {descriptor, diffId} = makeLayer(name)
  return {diffId, descriptor: {...descriptor, mediaType, urls: ['https://vendor.test/x']}}
}

describe('toOci', () => {
  it.each(pairs)('makes %s %s, and nothing else of the layer', (before, after) => {
    const image = makeImage({family: 'docker', layers: [typed(before)]})
    const {manifest, config} = toOci(image)
    const [layer] = image.manifest.value.layers
    expect(manifest.value.layers).toEqual([{...layer, mediaType: after}])
    expect(manifest.descriptor.mediaType).toBe(ociManifest)
    expect(manifest.value.mediaType).toBe(ociManifest)
    expect(manifest.value.config).toEqual({
      ...image.manifest.value.config,
      mediaType: 'application/vnd.oci.image.config.v1+json',
    })
    expect(config.bytes).toBe(image.config.bytes)
    expect(manifest.descriptor.digest).toBe(digestOf(manifest.bytes))
  })

  it('P7 changes media types and not another byte', () => {
    const text = `{ "schemaVersion":2,\r\n\t"mediaType" : "${dockerManifest}", "__proto__": {"a":1e2},
  "config": {"mediaType":"application/vnd.docker.container.image.v1+json","digest":"CONFIG_DIGEST", "size" :"CONFIG_SIZE","x":9007199254740993},
  "layers":[{"size":1,"mediaType":"${docker}.diff.tar.gzip","digest":"${digestOf(Buffer.from('x'))}","y":"\\u00e9"}] , "z":-0.0}`
    const config = `{"rootfs":{"type":"layers","diff_ids":["${digestOf(Buffer.from('t'))}"]}}`
    const image = imageOfTexts(text, config, dockerManifest)
    expect(textOf(toOci(image).manifest)).toBe(
      textOf(image.manifest)
        .replace(dockerManifest, ociManifest)
        .replace('vnd.docker.container.image.v1+json', 'vnd.oci.image.config.v1+json')
        .replace(`${docker}.diff.tar.gzip`, `${oci}.v1.tar+gzip`),
    )
  })

  it('gives back what is OCI’s throughout, also when it does not name itself', () => {
    const image = makeImage()
    expect(toOci(image)).toBe(image)
    const unnamed = makeImage({manifestMembers: {mediaType: undefined}})
    expect(toOci(unnamed)).toBe(unnamed)
  })

  it('fixes a mixture', () => {
    const image = makeImage({layers: [makeLayer('a'), makeLayer('b', 'docker')]})
    expect(() => checkFamily(image)).toThrow('mixes')
    const mended = toOci(image)
    expect(mended.manifest.value.layers.map(({mediaType}) => mediaType)).toEqual([
      `${oci}.v1.tar+gzip`,
      `${oci}.v1.tar+gzip`,
    ])
  })

  it('refuses a type of Docker’s that OCI has no name for', () => {
    const image = makeImage({
      family: 'docker',
      layers: [typed(`${docker}.diff.tar.gzip+encrypted`)],
    })
    expect(() => toOci(image)).toThrow('mixes')
  })

  it('keeps sha512', () => {
    const image = makeImage({family: 'docker', algorithm: 'sha512'})
    expect(toOci(image).manifest.descriptor.digest).toMatch(/^sha512:/)
  })

  it('an injection remembers the manifest from before the conversion', () => {
    const image = makeImage({family: 'docker'})
    const {digest} = image.manifest.descriptor
    const injection = {
      name: 'a',
      path: '/',
      layers: [makeLayer('x')],
      created: '2026-01-01T00:00:00Z',
    }
    const result = inject(toOci(image), {...injection, base: digest})
    expect(result.manifest.value.annotations).toEqual({'dev.inject.base': digest})
  })
})

it('a manifest list becomes an index, nested ones too, entries keep all else, and the original is remembered', () => {
  const image = makeImage({family: 'docker'})
  const {digest, size} = image.manifest.descriptor
  const next = toOci(image).manifest.descriptor
  const entry = makeEntry('amd64', {mediaType: dockerManifest, digest, size})
  const inner = makeTree([entry], [], {family: 'docker'})
  const recipe = {family: 'docker', indent: 2, members: {x: 1}} as const
  const tree = makeTree([entry, makeAttestation(entry)], [inner], recipe)
  const images = new Map([[digest, next]])
  const how = {images, attestations: 'drop', base: 'remember', toOci: true} as const
  const {tree: after, changed} = replaceImages(tree, how)
  expect(changed).toHaveLength(2)
  expect(after.index.descriptor.mediaType).toBe(ociIndex)
  expect(after.index.value).toMatchObject({
    mediaType: ociIndex,
    x: 1,
    annotations: {'dev.inject.base': tree.index.descriptor.digest},
    manifests: [{...entry, ...next}, {mediaType: ociIndex}],
  })
  const [below] = [...after.below.values()]
  expect(below?.index.value.manifests).toEqual([{...entry, ...next}])
  expect(replaceImages(after, {...how, images: new Map()}).tree).toBe(after)
})

/** As a document has it: no -0. */
const written = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe('properties', () => {
  type Step = ['inject' | 'eject', string] | ['to-oci']
  const steps: fc.Arbitrary<Step[]> = fc.array(
    fc.oneof(
      fc.tuple(fc.constantFrom('inject' as const, 'eject' as const), fc.constantFrom('a', 'b')),
      fc.constant<Step>(['to-oci']),
    ),
    {maxLength: 8},
  )
  const recipe = fc.record({
    family: fc.constantFrom('oci' as const, 'docker' as const),
    layers: fc.nat(3),
    indent: fc.constantFrom(0, 2, '\t'),
    manifestMembers: fc.dictionary(
      fc.stringMatching(/^[x-z]{1,4}$/),
      fc.jsonValue({maxDepth: 2}).map(written),
    ),
  })

  function apply(image: Image, step: Step, round: number): Image {
    const {value, descriptor} = image.manifest
    const [verb, name = ''] = step
    if (verb === 'to-oci') return toOci(image)
    if (verb === 'eject')
      return findSlots(image).some((slot) => slot.name === name) ? eject(image, name) : image
    const layer = makeLayer(`${name}${round % 3}`, familyOf(value, descriptor.mediaType))
    return inject(image, {name, path: '/', layers: [layer], created: '2026-01-01T00:00:00Z'})
  }

  it('families never mix, and unknown members stay, whatever is done in whatever order', () => {
    fc.assert(
      fc.property(recipe, steps, (made, list) => {
        const start = makeImage(made)
        let image = start
        for (const [round, step] of list.entries()) {
          image = apply(image, step, round)
          expect(() => checkFamily(image)).not.toThrow()
        }
        const {value} = image.manifest
        const isOci = made.family === 'oci' || list.some(([verb]) => verb === 'to-oci')
        expect(familyOf(value, image.manifest.descriptor.mediaType)).toBe(isOci ? 'oci' : 'docker')
        expect(value).toMatchObject(made.manifestMembers)
        expect(value.layers.length).toBe(made.layers + findSlots(image).length)
      }),
      {numRuns: runs(1.5)},
    )
  })

  it('converting first or last comes to the same manifest but for what is remembered', () => {
    fc.assert(
      fc.property(recipe, (made) => {
        const image = makeImage(made)
        const {digest: base} = image.manifest.descriptor
        const injection = {name: 'a', path: '/', created: '2026-01-01T00:00:00Z', base}
        const first = inject(toOci(image), {...injection, layers: [makeLayer('x')]})
        const last = toOci(inject(image, {...injection, layers: [makeLayer('x', made.family)]}))
        expect(last.manifest.value.layers).toEqual(first.manifest.value.layers)
        expect(toOci(first)).toBe(first)
      }),
      {numRuns: runs(0.5)},
    )
  })
})
