import fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import {LimitError, PreconditionError} from '../../src/errors.js'
import type {Image, Layer} from '../../src/image/image.js'
import {inject, type Injection} from '../../src/image/inject.js'
import {findSlot, findSlots} from '../../src/image/slot.js'
import {digestOf} from '../../src/oci/digest.js'
import {documentLimit} from '../../src/oci/json.js'
import {imageOfTexts, type ImageRecipe, makeImage, makeLayer, textOf} from '../support/images.js'
import {thrownBy} from '../support/thrown-by.js'

const created = '2024-05-06T07:08:09Z'
const later = '2025-01-01T00:00:00Z'

function injection(layer: Layer = makeLayer('new'), members: Partial<Injection> = {}): Injection {
  return {name: 'cvmfs', layers: [layer], created, path: '/', ...members}
}

const configOf = (image: Image) => image.config.value
const labelsOf = (image: Image) => configOf(image).config?.Labels
const layersOf = (image: Image) => image.manifest.value.layers.map(({digest}) => digest)

describe('into an image without the slot', () => {
  test('the layer goes on top, and everything names it', () => {
    const base = makeImage()
    const layer = makeLayer('new')
    const image = inject(base, injection(layer))
    expect(image.manifest.value.layers).toEqual([...base.manifest.value.layers, layer.descriptor])
    expect(configOf(image)).toEqual({
      ...configOf(base),
      created,
      config: {
        ...configOf(base).config,
        Labels: {cvmfs_injection_tar: layer.diffId, cvmfs_injection_gz: layer.descriptor.digest},
      },
      rootfs: {type: 'layers', diff_ids: [...configOf(base).rootfs.diff_ids, layer.diffId]},
      history: [...(configOf(base).history ?? []), {created, created_by: 'inject: cvmfs'}],
    })
    expect(findSlot(image, 'cvmfs')).toMatchObject({
      layer: 2,
      history: 3,
      path: '/',
      diffId: layer.diffId,
    })
  })

  test('the documents name each other, by the old algorithm', () => {
    for (const algorithm of ['sha256', 'sha512'] as const) {
      const {manifest, config} = inject(makeImage({algorithm}), injection())
      expect(config.descriptor.digest).toBe(digestOf(config.bytes, algorithm))
      expect(config.descriptor.size).toBe(config.bytes.length)
      expect(manifest.value.config).toEqual(config.descriptor)
      expect(manifest.descriptor.digest).toBe(digestOf(manifest.bytes, algorithm))
      expect(manifest.descriptor.size).toBe(manifest.bytes.length)
    }
  })

  test.each<[string, ImageRecipe]>([
    ['C1 Labels null', {labels: null}],
    ['C2 config missing', {configMembers: {config: undefined}}],
    ['C3 config null', {configMembers: {config: null}}],
    ['C4 container_config without Labels', {containerConfig: {Cmd: ['x']}}],
    ['C4 container_config with Labels null', {containerConfig: {Labels: null}}],
    [
      'C4 container_config with other Labels',
      {labels: {a: 'b'}, containerConfig: {Labels: {c: 'd'}}},
    ],
    ['C4 container_config null', {containerConfig: null}],
    ['C15 any text', {labels: {"it's": '\u{1F600}\u0000\n"é'}, indent: 2}],
    ['Docker', {family: 'docker'}],
  ])('labels: %s', (_, recipe) => {
    const base = makeImage(recipe)
    const layer = makeLayer('new', recipe.family)
    const image = inject(base, injection(layer))
    const ours = {cvmfs_injection_tar: layer.diffId, cvmfs_injection_gz: layer.descriptor.digest}
    const remembered = {'dev.inject.base': base.manifest.descriptor.digest}
    expect(labelsOf(image)).toEqual({
      ...labelsOf(base),
      ...(recipe.family === 'docker' && remembered),
      ...ours,
    })
    if (recipe.containerConfig) {
      const {Labels} = configOf(image).container_config ?? {}
      expect(Labels).toEqual({...configOf(base).container_config?.Labels, ...ours})
      expect(configOf(image).container_config).toEqual({...recipe.containerConfig, Labels})
    } else {
      expect(configOf(image).container_config).toBeUndefined()
      expect(textOf(image.config).includes('container_config')).toBe(
        recipe.containerConfig === null,
      )
    }
  })

  test.each([undefined, null, []])('C5 an image with history %j gets none', (history) => {
    const image = inject(makeImage({history}), injection())
    const document = JSON.parse(textOf(image.config)) as Record<string, unknown>
    expect(document['history']).toEqual(history)
    expect(findSlot(image, 'cvmfs')).toMatchObject({layer: 2, history: undefined})
  })

  test.each<[string, ImageRecipe]>([
    ['M30 C6 no layers, history all empty', {layers: 0, history: [{empty_layer: true}]}],
    ['M30 no layers, no history', {layers: 0, history: undefined}],
    [
      'M30 no layers, diff_ids null',
      {layers: 0, history: [], configMembers: {rootfs: {type: 'layers', diff_ids: null}}},
    ],
    ['M31 10,000 layers', {layers: 10_000}],
  ])('%s', (_, recipe) => {
    const base = makeImage(recipe)
    const image = inject(base, injection())
    expect(layersOf(image)).toEqual([...layersOf(base), makeLayer('new').descriptor.digest])
    expect(findSlot(image, 'cvmfs')?.layer).toBe(layersOf(base).length)
  })

  test('a path other than / is remembered', () => {
    const image = inject(
      makeImage({containerConfig: {}}),
      injection(undefined, {path: '/opt/mödels'}),
    )
    expect(findSlot(image, 'cvmfs')?.path).toBe('/opt/mödels')
    expect(configOf(image).container_config?.Labels?.['cvmfs_injection_path']).toBe('/opt/mödels')
  })

  test('C13 several slots live beside each other', () => {
    const base = makeImage()
    const one = inject(base, injection(makeLayer('one'), {name: 'one'}))
    const two = inject(one, injection(makeLayer('two'), {name: 'two', path: '/two'}))
    const again = inject(two, injection(makeLayer('one more'), {name: 'one'}))
    expect(findSlots(again).map(({name, layer, path}) => [name, layer, path])).toEqual([
      ['one', 2, '/'],
      ['two', 3, '/two'],
    ])
    expect(layersOf(again)[3]).toBe(makeLayer('two').descriptor.digest)
  })

  test('two slots of equal content are told apart, with and without history', () => {
    for (const history of [undefined, [{created_by: 'a'}, {created_by: 'b'}]]) {
      const same = makeLayer('same')
      const one = inject(makeImage({history}), injection(same, {name: 'one'}))
      const both = inject(one, injection(same, {name: 'two'}))
      expect(layersOf(both)).toHaveLength(4)
      const changed = inject(both, injection(makeLayer('other'), {name: 'one'}))
      expect(findSlot(changed, 'one')?.diffId).toBe(makeLayer('other').diffId)
      expect(findSlot(changed, 'two')?.diffId).toBe(same.diffId)
    }
  })
})

describe('into an image with the slot', () => {
  test.each([0, 1, 2])('C12 the layer is replaced where it is: position %d', (position) => {
    const layers = ['a', 'b', 'c'].map((name) => makeLayer(name))
    const history = [
      {created_by: 'ENV', empty_layer: true},
      {created_by: 'a', comment: 'x'},
      {created_by: 'b', comment: 'x'},
      {created_by: 'CMD', empty_layer: true},
      {created_by: 'c', comment: 'x'},
    ]
    const labels = {
      a: 'b',
      cvmfs_injection_tar: layers[position]!.diffId,
      cvmfs_injection_gz: 'stale',
    }
    const base = makeImage({layers, history, labels})
    const layer = makeLayer('new')
    const image = inject(base, injection(layer))
    const step = [1, 2, 4][position]!
    expect(image.manifest.value.layers).toEqual(
      layers.map(({descriptor}, index) => (index === position ? layer.descriptor : descriptor)),
    )
    expect(configOf(image).rootfs.diff_ids).toEqual(
      layers.map(({diffId}, index) => (index === position ? layer.diffId : diffId)),
    )
    expect(configOf(image).history).toEqual(
      history.map((entry, index) =>
        index === step ? {created, created_by: 'inject: cvmfs'} : entry,
      ),
    )
    expect(labelsOf(image)).toEqual({
      a: 'b',
      cvmfs_injection_tar: layer.diffId,
      cvmfs_injection_gz: layer.descriptor.digest,
    })
  })

  test('nothing of the old descriptor is kept', () => {
    const old = makeLayer('old')
    const descriptor = {
      ...old.descriptor,
      annotations: {toc: 'x'},
      urls: ['https://x.example/'],
      data: 'eA==',
      other: 1,
    }
    const base = makeImage({
      layers: [{...old, descriptor}],
      labels: {cvmfs_injection_tar: old.diffId},
    })
    const image = inject(base, injection())
    expect(image.manifest.value.layers).toStrictEqual([makeLayer('new').descriptor])
  })

  test('the same content at the same place is the same image, whatever the time', () => {
    const image = inject(makeImage(), injection())
    expect(inject(image, injection())).toBe(image)
    expect(inject(image, injection(undefined, {created: later, imageCreated: later}))).toBe(image)
  })

  test('a layer that was recompressed elsewhere is still the same content', () => {
    const layer = makeLayer('new')
    const recompressed = {...layer, descriptor: {...makeLayer('else').descriptor}}
    const image = inject(makeImage(), injection(recompressed))
    expect(inject(image, injection(layer))).toBe(image)
  })

  test('W33 a label that names another blob than the slot has is refreshed, and nothing else', () => {
    const layer = makeLayer('new')
    const image = inject(makeImage(), injection(layer))
    const other = makeLayer('else').descriptor
    const recompressed = imageOfTexts(
      textOf(image.manifest).replace(layer.descriptor.digest, other.digest),
      textOf(image.config),
    )
    const refreshed = inject(recompressed, injection(layer))
    const {Labels: labels} = refreshed.config.value.config ?? {}
    expect(labels?.['cvmfs_injection_gz']).toBe(other.digest)
    expect(labels?.['cvmfs_injection_tar']).toBe(layer.diffId)
    expect(refreshed.manifest.value.layers.at(-1)?.digest).toBe(other.digest)
    expect(inject(refreshed, injection(layer))).toBe(refreshed)
  })

  test('the same content at another place moves the label only', () => {
    const image = inject(makeImage({containerConfig: {}}), injection(undefined, {path: '/a'}))
    const moved = inject(image, injection(undefined, {path: '/b'}))
    expect(findSlot(moved, 'cvmfs')?.path).toBe('/b')
    expect(moved.manifest.value.layers).toEqual(image.manifest.value.layers)
    const home = inject(moved, injection())
    expect(findSlot(home, 'cvmfs')?.path).toBe('/')
    expect(textOf(home.config)).not.toContain('cvmfs_injection_path')
  })

  test('C11 a lost slot is not recreated', () => {
    const base = makeImage({labels: {cvmfs_injection_tar: makeLayer('gone').diffId}})
    expect(thrownBy(() => inject(base, injection()))).toBeInstanceOf(PreconditionError)
    expect(findSlot(inject(base, injection(undefined, {name: 'other'})), 'other')?.layer).toBe(2)
  })
})

describe('the time of the image', () => {
  test.each([
    ['older than the slot', '2024-05-06T07:08:08.999999999Z', undefined, created],
    ['younger than the slot', '2024-05-06T07:08:10Z', undefined, '2024-05-06T07:08:10Z'],
    ['the same', '2024-05-06T09:08:09.000+02:00', undefined, '2024-05-06T09:08:09.000+02:00'],
    ['C19 older by its offset', '2024-05-06T07:30:00+02:00', undefined, created],
    [
      'C19 younger by its offset',
      '2024-05-06T00:00:00-12:00',
      undefined,
      '2024-05-06T00:00:00-12:00',
    ],
    ['C19 year 0', '0000-01-01T00:00:00Z', undefined, created],
    ['C19 missing', undefined, undefined, created],
    ['C19 null', null, undefined, created],
    ['C19 no time', 'yesterday', undefined, created],
    ['C19 no time that there is', '2024-13-45T99:00:00Z', undefined, created],
    ['given', later, '2001-01-01T00:00:00Z', '2001-01-01T00:00:00Z'],
  ])('%s', (_, before, imageCreated, after) => {
    const members = imageCreated === undefined ? {} : {imageCreated}
    const image = inject(makeImage({created: before}), injection(undefined, members))
    expect(configOf(image).created).toBe(after)
    expect(configOf(image).history?.at(-1)?.created).toBe(created)
  })
})

describe('the manifest', () => {
  test('M35 the config’s data is that of the new config, and its urls are gone', () => {
    const {config} = makeImage()
    const members = {
      config: {
        ...config.descriptor,
        urls: ['https://x.example/'],
        data: Buffer.from(config.bytes).toString('base64'),
        annotations: {a: 'b'},
      },
    }
    const image = inject(makeImage({manifestMembers: members}), injection())
    expect(image.config.descriptor).toEqual({
      mediaType: config.descriptor.mediaType,
      digest: digestOf(image.config.bytes),
      size: image.config.bytes.length,
      data: Buffer.from(image.config.bytes).toString('base64'),
      annotations: {a: 'b'},
    })
  })

  test('M36 a subject and annotations stay', () => {
    const members = {annotations: {a: 'b'}, subject: makeLayer('subject').descriptor}
    const {value} = inject(makeImage({manifestMembers: members}), injection()).manifest
    expect(value).toMatchObject(members)
  })

  test('M19 a manifest without mediaType stays without', () => {
    const {manifest} = inject(makeImage({manifestMembers: {mediaType: undefined}}), injection())
    expect(textOf(manifest)).not.toContain('image.manifest')
    expect(manifest.descriptor.mediaType).toBe('application/vnd.oci.image.manifest.v1+json')
  })

  test('what a layout says of the old manifest is not said of the new one', () => {
    const base = makeImage()
    const descriptor = {
      ...base.manifest.descriptor,
      annotations: {'org.opencontainers.image.ref.name': 'x'},
    }
    const {manifest} = inject({...base, manifest: {...base.manifest, descriptor}}, injection())
    expect(Object.keys(manifest.descriptor)).toEqual(['mediaType', 'digest', 'size'])
  })

  test('M12 a document that grows beyond 4 MiB is refused', () => {
    const of = (length: number) =>
      makeImage({manifestMembers: {annotations: {a: 'x'.repeat(length)}}})
    const base = of(documentLimit - of(0).manifest.bytes.length)
    expect(base.manifest.bytes).toHaveLength(documentLimit)
    expect(thrownBy(() => inject(base, injection()))).toBeInstanceOf(LimitError)
  })
})

describe('mistakes of the caller', () => {
  const oci = makeImage()
  const docker = makeImage({family: 'docker'})
  const layer = (mediaType: string) => ({
    ...makeLayer('new'),
    descriptor: {...makeLayer('new').descriptor, mediaType},
  })
  const ociTar = 'application/vnd.oci.image.layer.v1.tar'
  const dockerTar = 'application/vnd.docker.image.rootfs.diff.tar'

  test.each([
    ['OCI into Docker', docker, `${ociTar}+gzip`],
    ['Docker into OCI', oci, `${dockerTar}.gzip`],
    ['zstd into Docker', docker, `${dockerTar}.zstd`],
    ['no layer', oci, 'application/octet-stream'],
    ['no layer into Docker', docker, `${dockerTar}.foreign`],
    ['an encrypted layer', oci, `${ociTar}+gzip+encrypted`],
  ])('families are not mixed: %s', (_, image, mediaType) => {
    expect(() => inject(image, injection(layer(mediaType)))).toThrow(TypeError)
  })

  test.each([
    ['zstd into OCI', oci, `${ociTar}+zstd`],
    ['OCI into OCI', oci, ociTar],
    ['Docker into Docker', docker, dockerTar],
    ['gzip into Docker', docker, `${dockerTar}.gzip`],
  ])('what belongs together is taken: %s', (_, image, mediaType) => {
    expect(inject(image, injection(layer(mediaType))).manifest.value.layers.at(-1)?.mediaType).toBe(
      mediaType,
    )
  })

  test('names and paths are checked before they become labels', () => {
    expect(() => inject(oci, injection(undefined, {name: '__proto__'}))).toThrow(TypeError)
    expect(() => inject(oci, injection(undefined, {path: 'opt/'}))).toThrow(TypeError)
  })
})

describe('images that CernVM-FS’s injector prepared', () => {
  const old = makeLayer('old content', 'docker')

  /** As that tool leaves an image after setting it up and updating it twice. */
  function prepared(members: ImageRecipe = {}): Image {
    const labels = {
      maintainer: 'me',
      cvmfs_injection_tar: old.diffId,
      cvmfs_injection_gz: old.descriptor.digest,
    }
    const step = {
      created: '2020-03-04T05:06:07.123456+01:00',
      author: 'cvmfs_shrinkwrap',
      comment: 'This layer was created by cvmfs_shrinkwrap',
    }
    return makeImage({
      family: 'docker',
      layers: [makeLayer('base', 'docker'), old, makeLayer('built on top', 'docker')],
      labels,
      containerConfig: {Hostname: 'x', Labels: labels},
      history: [
        {created: '2019-01-01T00:00:00Z', created_by: '/bin/sh -c #(nop) ADD file:1 in / '},
        {...step, created_by: `/bin/sh -c #(nop) ADD file:${old.diffId} in / `},
        {created: '2020-03-05T00:00:00Z', created_by: 'RUN something'},
        {...step, created_by: 'update', empty_layer: true},
        {...step, created_by: 'update', empty_layer: true},
      ],
      ...members,
    })
  }

  /**
   * What that tool looks up, the way it does: labels in both places, the first equal diff ID, every
   * layer of that blob digest.
   */
  function expectSatisfied(image: Image): void {
    const {config, container_config, rootfs, history} = JSON.parse(textOf(image.config)) as {
      config: {Labels: Record<string, string>}
      container_config?: {Labels: Record<string, string>}
      rootfs: {diff_ids: string[]}
      history?: unknown[]
    }
    const {layers} = image.manifest.value
    const {cvmfs_injection_tar: tar, cvmfs_injection_gz: gzip} = config.Labels
    if (container_config) {
      expect(container_config.Labels).toMatchObject({
        cvmfs_injection_tar: tar,
        cvmfs_injection_gz: gzip,
      })
    }
    expect(layers.filter(({digest}) => digest === gzip)).toHaveLength(1)
    expect(rootfs.diff_ids.indexOf(tar ?? '')).toBe(layers.findIndex(({digest}) => digest === gzip))
    if (history) expect(Array.isArray(history)).toBe(true)
  }

  test('C14 are updated in place', () => {
    const base = prepared()
    const layer = makeLayer('new', 'docker')
    const image = inject(base, injection(layer))
    expect(layersOf(image)).toEqual([layersOf(base)[0], layer.descriptor.digest, layersOf(base)[2]])
    const {history = []} = configOf(base)
    expect(configOf(image).history).toEqual(history.with(1, {created, created_by: 'inject: cvmfs'}))
    expect(labelsOf(image)).toEqual({
      maintainer: 'me',
      cvmfs_injection_tar: layer.diffId,
      cvmfs_injection_gz: layer.descriptor.digest,
    })
    expectSatisfied(image)
    expect(inject(image, injection(layer))).toBe(image)
  })

  test.each<[string, ImageRecipe]>([
    ['without container_config', {containerConfig: undefined} as never],
    ['container_config without Labels', {containerConfig: {Hostname: 'x'}}],
    ['container_config with Labels null', {containerConfig: {Labels: null}}],
    ['without history', {history: undefined}],
  ])('C14 %s', (_, members) => {
    const image = inject(prepared(members), injection(makeLayer('new', 'docker')))
    expect(layersOf(image)).toHaveLength(3)
    expectSatisfied(image)
  })

  test.each<[string, ImageRecipe]>([
    ['Docker', {family: 'docker', containerConfig: {Labels: null}}],
    ['Docker without container_config', {family: 'docker'}],
    ['OCI', {}],
    ['Labels null', {labels: null}],
    ['no history', {history: undefined}],
  ])('an image that we prepare satisfies that tool: %s', (_, recipe) => {
    expectSatisfied(inject(makeImage(recipe), injection(makeLayer('new', recipe.family))))
  })

  test('the same empty layer twice: only the one that the tool made is replaced', () => {
    const history = [
      {created_by: 'WORKDIR /'},
      {created_by: 'x', author: 'cvmfs_shrinkwrap'},
      {created_by: 'WORKDIR /'},
    ]
    const image = inject(
      prepared({layers: [old, old, old], history}),
      injection(makeLayer('new', 'docker')),
    )
    expect(layersOf(image)).toEqual([
      old.descriptor.digest,
      makeLayer('new').descriptor.digest,
      old.descriptor.digest,
    ])
  })
})

describe('bytes', () => {
  const manifestText = `{
   "mediaType": "application/vnd.oci.image.manifest.v1+json",
   "schemaVersion": 2, "__proto__": {"x": 1e2},
   "config": {"size": "CONFIG_SIZE", "digest": "CONFIG_DIGEST", "mediaType": "application/vnd.oci.image.config.v1+json", "x": -0},
   "layers": [
      {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "size": ${makeLayer('a').descriptor.size}, "digest": "${makeLayer('a').descriptor.digest}", "big": 9007199254740993}
   ],
   "annotations": {"a": "\\u00e9\\/"}
}
`
  const configText = `{"os":"linux", "10": 1.0, "9": [1E400],
"rootfs":{"diff_ids":["${makeLayer('a').diffId}"],"type":"layers", "x":null},
"moby.buildkit.cache.v0": "\\ud83d\\ude00", "__proto__": {"y": 1},
"config":{"User":"4294967296:0","Labels":{"__proto__":"z"},"OnBuild":null},
"architecture":"amd64"}`

  test('C16 C17 C23 C24 M16 of two documents as nobody writes them, only what had to change has changed', () => {
    const base = imageOfTexts(manifestText, configText)
    const layer = makeLayer('b')
    const {manifest, config} = inject(base, injection(layer))
    const labels = `"cvmfs_injection_tar":"${layer.diffId}","cvmfs_injection_gz":"${layer.descriptor.digest}"`
    expect(textOf(config)).toBe(
      configText
        .replace(`"${makeLayer('a').diffId}"]`, `"${makeLayer('a').diffId}","${layer.diffId}"]`)
        .replace('"__proto__":"z"', `"__proto__":"z",${labels}`)
        .replace('"architecture":"amd64"', `"architecture":"amd64",\n"created":"${created}"`),
    )
    const {mediaType, digest, size} = layer.descriptor
    const added = `,
      {
         "mediaType": "${mediaType}",
         "digest": "${digest}",
         "size": ${size}
      }`
    expect(textOf(manifest)).toBe(
      manifestText
        .replace('CONFIG_DIGEST', config.descriptor.digest)
        .replace('"CONFIG_SIZE"', String(config.bytes.length))
        .replace('9007199254740993}', `9007199254740993}${added}`)
        .replace('\\/"}', `\\/","dev.inject.base": "${base.manifest.descriptor.digest}"}`),
    )
  })

  test('T-57 no other object was changed by a member called __proto__', () => {
    inject(imageOfTexts(manifestText, configText), injection())
    expect(({} as Record<string, unknown>)['x']).toBeUndefined()
    expect(({} as Record<string, unknown>)['y']).toBeUndefined()
  })
})

describe('properties', () => {
  const recipe: fc.Arbitrary<ImageRecipe> = fc.record(
    {
      family: fc.constantFrom('docker' as const, 'oci' as const),
      layers: fc.integer({min: 0, max: 5}),
      labels: fc.option(fc.dictionary(fc.string(), fc.string())),
      containerConfig: fc.option(
        fc.record({Labels: fc.option(fc.dictionary(fc.string(), fc.string()))}, {requiredKeys: []}),
      ),
      created: fc.constantFrom('2020-01-01T00:00:00Z', '2030-01-01T00:00:00Z', null),
      configMembers: fc.dictionary(fc.constantFrom('x', '__proto__', 'author'), fc.jsonValue()),
      manifestMembers: fc.dictionary(fc.constantFrom('x', '__proto__', 'subject'), fc.jsonValue()),
      algorithm: fc.constantFrom('sha256' as const, 'sha512' as const),
      indent: fc.constantFrom(0, 2, '\t'),
    },
    {requiredKeys: ['family']},
  )
  const path = fc.constantFrom('/', '/opt', '/a/b c')
  const name = fc.constantFrom('cvmfs', 'models')
  const content = fc.constantFrom('one', 'two', 'three')
  const step = fc.record({name, path, content})
  type Step = {name: string; path: string; content: string}

  function apply(
    image: Image,
    {name: slot, path: place, content: text}: Step,
    family: ImageRecipe['family'],
  ): Image {
    return inject(
      image,
      injection(makeLayer(`${text} of ${slot}`, family), {name: slot, path: place}),
    )
  }

  test('P3 P5 injecting twice is injecting once, and the input is as it was', () => {
    fc.assert(
      fc.property(recipe, step, (made, one) => {
        const base = makeImage(made)
        const before = structuredClone(base)
        const image = apply(base, one, made.family)
        expect(apply(image, one, made.family)).toBe(image)
        expect(base).toEqual(before)
      }),
    )
  })

  test('P4 of two updates the last one counts, to the byte', () => {
    fc.assert(
      fc.property(recipe, step, step, (made, first, second) => {
        const base = makeImage(made)
        const both = apply(
          apply(base, {...first, name: second.name}, made.family),
          second,
          made.family,
        )
        const once = apply(base, second, made.family)
        expect(textOf(both.manifest)).toBe(textOf(once.manifest))
        expect(textOf(both.config)).toBe(textOf(once.config))
      }),
    )
  })

  test('P6 the other layers never change, and counts stay equal however often a slot is filled', () => {
    fc.assert(
      fc.property(recipe, fc.array(step, {maxLength: 8}), (made, steps) => {
        const base = makeImage(made)
        const image = steps.reduce((current, one) => apply(current, one, made.family), base)
        const names = new Set(steps.map((one) => one.name))
        const slots = findSlots(image)
        expect(new Set(slots.map((slot) => slot.name))).toEqual(names)
        expect(layersOf(image)).toHaveLength(layersOf(base).length + names.size)
        expect(layersOf(image).slice(0, layersOf(base).length)).toEqual(layersOf(base))
        const history = configOf(base).history?.length ?? 0
        expect(configOf(image).history?.length ?? 0).toBe(history > 0 ? history + names.size : 0)
        for (const slot of slots) {
          const last = steps.findLast((one) => one.name === slot.name)!
          const layer = makeLayer(`${last.content} of ${last.name}`, made.family)
          expect(slot).toMatchObject({
            path: last.path,
            diffId: layer.diffId,
            descriptor: layer.descriptor,
          })
        }
      }),
    )
  })
})
