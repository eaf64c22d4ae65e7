// The largest and worst documents that we read, through each pure function that gets them. What
// counts is the time of the processor, since the machine may be busy; the goal is 200 ms of a quiet
// one.
import {describe, expect, it} from 'vitest'
import {editsOfConfig, mergeEdits, parseEdits, valuesBefore} from '../../src/image/config-edits.js'
import {eject, isSameImage} from '../../src/image/eject.js'
import {originOf} from '../../src/image/follow/origin.js'
import {checkFamily} from '../../src/image/family.js'
import {decodeImage, encodedManifest, type Image, type Layer} from '../../src/image/image.js'
import {imageEntries, type IndexTree} from '../../src/image/index/index-tree.js'
import {inject} from '../../src/image/inject.js'
import {chooseImages, listPlatforms} from '../../src/image/platforms.js'
import {replaceImages} from '../../src/image/index/replace-images.js'
import {replaceLayers, replaceLayersAsOci} from '../../src/image/replace-layers.js'
import {selectImages} from '../../src/image/index/select-images.js'
import {findSlot, findSlots} from '../../src/image/slot.js'
import {planLayers} from '../../src/image/slot-layers.js'
import {isSlotPath, parseSlotPath} from '../../src/image/slot-path.js'
import {editMembers, removeMember, setMember} from '../../src/image/text-edit.js'
import {toOci} from '../../src/image/to-oci.js'
import {decodeConfig} from '../../src/oci/config.js'
import {type Digest, digestOf, isDigest, parseDigest} from '../../src/oci/digest.js'
import {documentKind} from '../../src/oci/document-kind.js'
import {decodeIndex} from '../../src/oci/image-index.js'
import {documentLimit, parseDocument} from '../../src/oci/json.js'
import {freeForm} from '../../src/oci/known-members.js'
import {decodeManifest} from '../../src/oci/manifest.js'
import {
  dockerConfig,
  dockerLayer,
  dockerManifest,
  layerCompression,
  ociConfig,
  ociIndex,
  ociLayer,
  ociManifest,
} from '../../src/oci/media-type.js'
import {formatPlatform, matchesPlatform, parsePlatform} from '../../src/oci/platform.js'
import {quoted} from '../../src/oci/quoted.js'
import {parseReference} from '../../src/oci/names/reference.js'
import {parseRegistryErrors} from '../../src/oci/registry-error.js'
import {parseTime} from '../../src/oci/time.js'
import * as layoutIndex from '../../src/store/layout/index-json.js'

/**
 * Milliseconds of the processor, with room for a slow one; some of the work before took minutes.
 */
const most = 2000

function measured<T>(work: () => T): T {
  const before = process.cpuUsage()
  try {
    return work()
  } finally {
    const {user, system} = process.cpuUsage(before)
    const spent = (user + system) / 1000
    if (process.env['SHOW_TIMES'])
      console.log(`${expect.getState().currentTestName ?? ''}: ${spent.toFixed(0)} ms`)
    expect(spent).toBeLessThan(most)
  }
}

/** As many of them as fit into a document, at most `count`. */
function filled(head: string, unit: (at: number) => string, tail: string, count = Infinity) {
  const parts: string[] = []
  let size = head.length + tail.length
  for (let at = 0; at < count; at++) {
    const part = unit(at)
    size += part.length + 1
    if (size > documentLimit) break
    parts.push(part)
  }
  return Buffer.from(head + parts.join(',') + tail)
}

const digest = (at: number): Digest => parseDigest(`sha256:${at.toString(16).padStart(64, '0')}`)
const descriptor = (at: number, mediaType = 'a'): string =>
  `{"mediaType":"${mediaType}","digest":"${digest(at)}","size":1}`
const name = (at: number): string => at.toString(36)
const rootfs = '"rootfs":{"type":"layers","diff_ids":[]}'

describe('documents', () => {
  const configs: readonly [string, Buffer][] = [
    ['empty history entries', filled(`{${rootfs},"history":[`, () => '{}', ']}', 99_000)],
    [
      'history entries',
      filled(`{${rootfs},"history":[`, () => '{"empty_layer":true,"author":null}', ']}', 60_000),
    ],
    [
      'labels',
      filled(`{${rootfs},"config":{"Labels":{`, (at) => `"${name(at)}":""`, '}}}', 49_999),
    ],
    [
      'diff IDs',
      filled('{"rootfs":{"type":"layers","diff_ids":[', (at) => `"${digest(at)}"`, ']}}'),
    ],
    ['numbers', filled(`{${rootfs},"x":[`, () => '0', ']}', 199_000)],
    ['objects', filled(`{${rootfs},"x":[`, () => '{"":0}', ']}', 99_000)],
    ['members', filled(`{${rootfs},"x":{`, (at) => `"${name(at)}":0`, '}}', 50_000)],
    ['escaped names', filled(`{${rootfs},"x":{`, (at) => `"\\u0061${at}":0`, '}}', 50_000)],
    ['whitespace', Buffer.from(`{${rootfs}${' \n'.repeat(documentLimit / 2 - 100)}}`)],
    ['backslashes', Buffer.from(`{${rootfs},"x":"${'\\\\'.repeat(documentLimit / 2 - 100)}"}`)],
    ['a long text', Buffer.from(`{${rootfs},"x":"${'é'.repeat(documentLimit / 2 - 100)}"}`)],
    [
      'nested lists',
      filled(`{${rootfs},"x":[`, () => `${'['.repeat(90)}${']'.repeat(90)}`, ']}', 2100),
    ],
  ]

  it.each(configs)('a config of %s', (_, bytes) => {
    expect(measured(() => decodeConfig(bytes))).toBeTypeOf('object')
    measured(() => parseDocument(bytes, 'it', freeForm))
  })

  it.each([
    ['values', filled(`{${rootfs},"x":[`, () => '0', ']}')],
    ['objects', filled(`{${rootfs},"history":[`, () => '{}', ']}')],
    ['names', filled(`{${rootfs},"x":{`, (at) => `"${name(at)}":0`, '}}', 50_001)],
    ['levels', Buffer.from(`{"x":${'['.repeat(documentLimit - 10)}`)],
  ])('too many %s are refused before they are read', (_, bytes) => {
    expect(() => measured(() => decodeConfig(bytes))).toThrow(
      expect.objectContaining({name: 'LimitError'}),
    )
  })

  const config = `"config":${descriptor(1, ociConfig)}`
  const manifestHead = `{"schemaVersion":2,"mediaType":"${ociManifest}",${config},`
  const indexHead = `{"schemaVersion":2,"mediaType":"${ociIndex}",`
  const entry = (at: number): string =>
    `{"mediaType":"${ociManifest}","digest":"${digest(at)}","size":1,"platform":{"os":"l","architecture":"${name(at)}"}}`

  it('manifests', () => {
    const layers = filled(`${manifestHead}"layers":[`, descriptor, ']}')
    const annotated = (at: number): string => `"${name(at)}":""`
    const annotations = filled(
      `${manifestHead}"layers":[],"annotations":{`,
      annotated,
      '}}',
      49_999,
    )
    for (const bytes of [layers, annotations]) {
      const manifest = measured(() => decodeManifest(bytes, ''))
      measured(() => documentKind(manifest, ociManifest))
    }
  })

  it('indexes, and what is done with their entries', () => {
    const bytes = filled(`${indexHead}"manifests":[`, entry, ']}')
    const value = measured(() => decodeIndex(bytes, ''))
    const index = {
      descriptor: {mediaType: ociIndex, digest: digestOf(bytes), size: bytes.length},
      bytes,
      value,
    }
    const tree: IndexTree = {index, below: new Map()}
    const entries = measured(() => imageEntries(tree))
    expect(entries.length).toBeGreaterThan(20_000)
    const images = entries.map((each) => ({
      entry: each,
      platform: each.platform ?? {os: '', architecture: ''},
    }))
    measured(() => listPlatforms(images))
    measured(() => chooseImages(images, [parsePlatform('l/1')], 'it'))
    const next = new Map(
      entries.map((each, at) => [each.digest, {...each, digest: digest(-at + 1e6)}]),
    )
    const replaced = measured(() =>
      replaceImages(tree, {images: next, attestations: 'drop', base: 'keep'}),
    )
    expect(replaced.tree.index.value.manifests).toHaveLength(entries.length)
    const half = new Set(entries.filter((_, at) => at % 2 === 0).map((each) => each.digest))
    const selected = measured(() => selectImages(tree, half))
    expect(selected.tree.index.value.manifests).toHaveLength(half.size)
  })

  it("a layout's index whose entries all have one tag", () => {
    const tagged = (at: number): string =>
      `{"mediaType":"a","digest":"${digest(at % 2)}","size":1,"annotations":{"org.opencontainers.image.ref.name":"x"}}`
    const bytes = filled(`${indexHead}"manifests":[`, tagged, ']}')
    const index = measured(() => layoutIndex.decodeLayoutIndex(bytes, 'it'))
    const next = {mediaType: 'a', digest: digest(7), size: 1}
    const moved = measured(() => layoutIndex.moveTag(index, {tag: 'x', descriptor: next}, 'it'))
    expect(moved.entries.map(({digest: each, tag}) => [each, tag])).toEqual(
      [
        [digest(0), undefined],
        [digest(1), undefined],
        [digest(7), 'x'],
      ].toSorted(([a]) => (a === digest(7) ? 1 : 0)),
    )
  })
})

interface Recipe {
  readonly layers: number
  readonly diffIds?: (at: number) => Digest
  readonly labels?: string
  readonly history?: string
  readonly docker?: boolean
}

function imageOf({layers, diffIds = digest, labels = '', history = '[]', docker}: Recipe): Image {
  const ids = Array.from({length: layers}, (_, at) => `"${diffIds(at)}"`).join(',')
  const config = Buffer.from(
    `{"created":"2026-01-01T00:00:00Z","config":{"Labels":{${labels}}},"history":${history},"rootfs":{"type":"layers","diff_ids":[${ids}]}}`,
  )
  const {size, ...named} = {digest: digestOf(config), size: config.length}
  const layer = docker ? `${dockerLayer}.gzip` : ociLayer
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: docker ? dockerManifest : ociManifest,
      config: {mediaType: docker ? dockerConfig : ociConfig, ...named, size},
      layers: Array.from({length: layers}, (_, at) => ({
        mediaType: layer,
        digest: digest(at),
        size: 1,
      })),
    }),
  )
  const mediaType = docker ? dockerManifest : ociManifest
  const descriptor = {mediaType, digest: digestOf(manifest), size: manifest.length}
  return measured(() => decodeImage(encodedManifest({descriptor, bytes: manifest}), config))
}

const ids = (from: number, count: number): string =>
  Array.from({length: count}, (_, at) => digest(from + at)).join(' ')

const injection = (layers: readonly Layer[]) => ({
  name: 'new',
  layers,
  sharding: layers.length,
  created: '2026-01-02T00:00:00Z',
  path: '/',
})
const newLayers = (count: number, docker = false): Layer[] =>
  Array.from({length: count}, (_, at) => ({
    diffId: digest(1e9 + at),
    descriptor: {
      mediaType: docker ? `${dockerLayer}.gzip` : `${ociLayer}+gzip`,
      digest: digest(2e9 + at),
      size: 1,
    },
  }))

describe('images', () => {
  const twins = (at: number): Digest => digest(at % 200)
  const step = '{"created":"2026-01-01T00:00:00Z","created_by":"inject: s1"}'
  const empty = '{"created_by":"a","empty_layer":true}'
  const list = (count: number, text: string): string => Array(count).fill(text).join(',')
  const recipes: readonly [string, () => Recipe][] = [
    [
      'a label of 20,000 diff IDs',
      () => ({layers: 20_000, labels: `"s_injection_layers":"${ids(0, 20_000)}"`}),
    ],
    [
      'a label of 20,000 diff IDs of one layer',
      () => ({
        layers: 20_000,
        labels: `"s_injection_layers":"${list(20_000, digest(1)).replaceAll(',', ' ')}"`,
      }),
    ],
    [
      'a slot for each of its layers',
      () => ({
        layers: 12_000,
        labels: Array.from(
          {length: 12_000},
          (_, at) => `"s${at}_injection_tar":"${digest(at)}"`,
        ).join(','),
      }),
    ],
    [
      'equal layers, and thousands of slots of them',
      () => ({
        layers: 20_000,
        diffIds: () => digest(1),
        labels: Array.from(
          {length: 20_000},
          (_, at) => `"s${at}_injection_tar":"${digest(1)}"`,
        ).join(','),
      }),
    ],
    [
      'hundreds of slots of 127 layers, each of which is there a hundred times',
      () => ({
        layers: 20_000,
        diffIds: twins,
        labels: Array.from(
          {length: 200},
          (_, at) => `"s${at}_injection_layers":"${ids(at % 70, 127)}"`,
        ).join(','),
      }),
    ],
    [
      'a long history',
      () => ({
        layers: 1000,
        labels: `"s1_injection_layers":"${ids(0, 127)}"`,
        history: `[${[list(1000, step), list(60_000, empty)].join(',')}]`,
      }),
    ],
    [
      "Docker's types",
      () => ({layers: 20_000, docker: true, labels: `"s1_injection_layers":"${ids(100, 127)}"`}),
    ],
  ]

  it.each(recipes)('of %s', (_, recipe) => {
    const made = recipe()
    const image = imageOf(made)
    const slots = measured(() => findSlots(image))
    for (const each of ['s', 's1', 's199']) {
      const found = measured(() => {
        try {
          return findSlot(image, each)
        } catch (error) {
          return (error as {code?: string}).code
        }
      })
      if (typeof found === 'string') expect(found).toBe('ERR_INJECT_SLOT_LOST')
      else expect(slots.find((slot) => slot.name === each)).toEqual(found)
    }
    measured(() => checkFamily(image))
    measured(() => originOf(image).digest)
    const {layers} = image.manifest.value
    measured(() => replaceLayers(image, layers.toReversed()))
    measured(() => replaceLayersAsOci(image, layers))
    measured(() => toOci(image))
    const injected = measured(() => inject(image, injection(newLayers(127, made.docker))))
    expect(findSlot(injected, 'new')?.layers).toHaveLength(127)
    const ejected = measured(() => eject(injected, 'new'))
    expect(measured(() => isSameImage(ejected, image))).toBe(true)
    const [slot] = slots
    if (slot) {
      const {name: own} = slot
      const change = {...injection(newLayers(100, made.docker)), name: own}
      measured(() => inject(image, change))
      measured(() => eject(image, own))
      measured(() => planLayers(slot, layers.length, newLayers(127)))
    }
  })

  it('edits of many members', () => {
    const texts = Object.fromEntries(
      Array.from({length: 40_000}, (_, at) => [`n${at}`, 'x'.repeat(60)]),
    )
    const env = Object.entries(texts).map(([key, value]) => `${key}=${value}`)
    const text = JSON.stringify({config: {Env: env}, rootfs: {type: 'layers', diff_ids: []}})
    const config = measured(() => decodeConfig(Buffer.from(text)))
    const label = JSON.stringify({env: texts})
    const edits = measured(() => parseEdits(label))
    const manifest = decodeManifest(
      Buffer.from(
        `{"schemaVersion":2,"mediaType":"${ociManifest}","config":${descriptor(1, ociConfig)},"layers":[]}`,
      ),
      '',
    )
    measured(() => valuesBefore(config, manifest, edits))
    measured(() => mergeEdits(edits, edits))
    const changes = measured(() => editsOfConfig(config, {env: texts, labels: texts}))
    const edited = measured(() => editMembers(text, changes))
    expect(JSON.parse(edited)).toMatchObject({config: {Env: env, Labels: texts}})
  })

  it('one edit far behind', () => {
    const text = filled('{"a":[', () => '{"b":"c"}', ']}', 66_000).toString()
    measured(() => setMember(text, ['a', 60_000, 'b'], 'd'))
    measured(() => removeMember(text, ['a', 60_000]))
    measured(() =>
      editMembers(
        text,
        Array.from({length: 60_000}, (_, at) => ({kind: 'remove', path: ['a', at]})),
      ),
    )
  })
})

describe('texts', () => {
  const longest = documentLimit
  it.each([
    'a',
    '/',
    '.',
    '/a',
    '0',
    ':',
    '@',
    '=',
    ' ',
    '-',
    '_',
    '[',
    '\\',
    '\u202e',
    'a/',
    'a.',
    '+',
  ])('a long one of %j', (unit) => {
    const text = unit.repeat(longest / unit.length)
    const attempt = (parse: (text: string) => unknown): void => {
      measured(() => {
        try {
          parse(text)
        } catch (error) {
          expect(error).toHaveProperty('code')
        }
      })
    }
    for (const parse of [parseReference, parsePlatform, parseSlotPath, parseDigest]) attempt(parse)
    for (const parse of [isSlotPath, isDigest, quoted, parseTime, layerCompression]) attempt(parse)
    attempt((each) => parseReference(`oci:/${each}`))
    attempt((each) => parseReference(`docker-archive:${each}`))
    attempt((each) => parseRegistryErrors(Buffer.from(each)))
    attempt((each) => formatPlatform({os: each, architecture: each, variant: each}))
    attempt((each) =>
      matchesPlatform({os: each, architecture: each}, {os: each, architecture: 'a'}),
    )
    attempt((each) => parseTime(`2026-01-01T00:00:00.${each}`))
    attempt((each) => documentKind({mediaType: each}, each))
  })
})
