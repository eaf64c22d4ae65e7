import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import type {Descriptor} from '../../../src/oci/descriptor.js'
import {digestOf} from '../../../src/oci/digest.js'
import {dockerManifest, ociManifest} from '../../../src/oci/media-type.js'
import {
  decodeLayoutIndex,
  emptyIndex,
  findTag,
  type LayoutIndex,
  list,
  moveTag,
} from '../../../src/store/layout/index-json.js'
import {thrownBy} from '../../support/thrown-by.js'

const refName = 'org.opencontainers.image.ref.name'

const descriptorOf = (word: string, mediaType = ociManifest): Descriptor => ({
  mediaType,
  digest: digestOf(Buffer.from(word)),
  size: word.length,
})
const [one, two] = [descriptorOf('one'), descriptorOf('two!')]

const decode = (text: string): LayoutIndex => decodeLayoutIndex(Buffer.from(text), 'the index')
const indexOf = (...manifests: object[]): LayoutIndex =>
  decode(JSON.stringify({schemaVersion: 2, manifests}))
const tagged = (descriptor: Descriptor, tag: string, more = {}): object => ({
  ...descriptor,
  annotations: {...more, [refName]: tag},
})
const move = (index: LayoutIndex, tag: string, descriptor: Descriptor): LayoutIndex =>
  moveTag(index, {tag, descriptor}, 'the index')
const manifestsIn = ({text}: LayoutIndex): unknown =>
  (JSON.parse(text) as {manifests: unknown}).manifests

describe('moving a tag', () => {
  it('makes it, in an index with nothing in it', () => {
    const nothing = [
      emptyIndex,
      '{"schemaVersion":2,"manifests":null}',
      '{"schemaVersion":2,"manifests":[ ]}',
    ]
    for (const text of nothing)
      expect(manifestsIn(move(decode(text), 'v1', one))).toEqual([tagged(one, 'v1')])
  })

  it('leaves the old manifest listed', () => {
    const index = move(indexOf(tagged(one, 'v1')), 'v1', two)
    expect(manifestsIn(index)).toEqual([one, tagged(two, 'v1')])
  })

  it('leaves it listed once', () => {
    const index = indexOf(tagged(one, 'v1'), tagged(one, 'v2'))
    expect(manifestsIn(move(index, 'v1', two))).toEqual([tagged(one, 'v2'), tagged(two, 'v1')])
    const other = indexOf(one, tagged(one, 'v1'))
    expect(manifestsIn(move(other, 'v1', two))).toEqual([one, tagged(two, 'v1')])
  })

  it('uses the entry that the new manifest has already', () => {
    const index = indexOf(tagged(one, 'v1'), {...two, platform: {os: 'linux'}})
    expect(manifestsIn(move(index, 'v1', two))).toEqual([
      one,
      {...two, platform: {os: 'linux'}, annotations: {[refName]: 'v1'}},
    ])
  })

  it('keeps the other annotations where they are', () => {
    const index = indexOf(tagged(one, 'v1', {a: 'b'}), one)
    expect(manifestsIn(move(index, 'v1', two))).toEqual([
      {...one, annotations: {a: 'b'}},
      one,
      tagged(two, 'v1'),
    ])
  })

  it('changes nothing when it is there', () => {
    const index = indexOf(tagged(one, 'v1'))
    expect(move(index, 'v1', one)).toBe(index)
  })

  it('fixes a tag that is there twice, or with another media type', () => {
    const twice = indexOf(tagged(one, 'v1'), tagged(one, 'v1'))
    expect(manifestsIn(move(twice, 'v1', one))).toEqual([tagged(one, 'v1')])
    const docker = descriptorOf('one', dockerManifest)
    const other = move(indexOf(tagged(docker, 'v1')), 'v1', one)
    expect(findTag(other, 'v1', 'the index')?.mediaType).toBe(ociManifest)
  })

  it('writes as it finds: on one line, or indented', () => {
    const spaced = `{\n   "schemaVersion": 2,\n   "manifests": [\n      ${JSON.stringify(one)}\n   ]\n}\n`
    expect(move(decode(spaced), 'v1', two).text).toBe(
      `{\n   "schemaVersion": 2,\n   "manifests": [\n      ${JSON.stringify(one)},\n      ${JSON.stringify(
        {...two, annotations: {[refName]: 'v1'}},
        null,
        3,
      ).replaceAll('\n', '\n      ')}\n   ]\n}\n`,
    )
    expect(move(decode(emptyIndex), 'v1', one).text).not.toContain('\n')
  })

  it('P15 does what a map does, forgets no manifest, and lists none twice for nothing', () => {
    const words = ['a', 'bb', 'ccc', 'dddd']
    const moves = fc.array(
      fc.tuple(fc.constantFrom('v1', 'v2', 'latest', '__proto__'), fc.constantFrom(...words)),
      {maxLength: 20},
    )
    const property = fc.property(moves, (steps) => {
      const model = new Map<string, string>()
      const seen = new Set<string>()
      let index = decode(emptyIndex)
      for (const [tag, word] of steps) {
        index = move(index, tag, descriptorOf(word))
        model.set(tag, descriptorOf(word).digest)
        seen.add(descriptorOf(word).digest)
        for (const [name, digest] of model)
          expect(findTag(index, name, 'the index')?.digest).toBe(digest)
        const digests = index.entries.map((entry) => entry.digest)
        expect(new Set(digests)).toEqual(seen)
        const entries = index.entries.map((entry) => `${entry.tag ?? ''} ${entry.digest}`)
        expect(new Set(entries).size).toBe(entries.length)
      }
      const tags = index.entries.flatMap(({tag}) => tag ?? [])
      expect(tags.toSorted()).toEqual([...model.keys()].toSorted())
    })
    fc.assert(property)
  })

  it('P7 leaves the text of all that it does not know', () => {
    const name = fc.string({minLength: 1, maxLength: 8}).map((text) => `x-${text}`)
    // by way of text, which knows no -0
    const value = fc.json({maxDepth: 2}).map((text): unknown => JSON.parse(text))
    const members = fc.dictionary(name, value, {maxKeys: 4})
    const property = fc.property(
      fc.tuple(members, members, members),
      fc.constantFrom(0, 1, 3, '\t'),
      ([top, first, second], indent) => {
        const source = JSON.stringify(
          {
            ...top,
            big: 0,
            schemaVersion: 2,
            manifests: [
              {...first, ...tagged(one, 'v1', {a: 'b'})},
              {...second, ...two},
            ],
          },
          null,
          indent,
        ).replace(/"big": ?0/, (text) => text.replace('0', '12345678901234567890.0e1'))
        const index = move(decode(source), 'v1', two)
        expect(index.text).toContain('12345678901234567890.0e1')
        const back = move(index, 'v1', one)
        const parse = (text: string) => JSON.parse(text) as {manifests: object[]}
        const [before, after] = [parse(source), parse(index.text)]
        expect({...after, manifests: []}).toEqual({...before, manifests: []})
        expect(after.manifests).toEqual([
          {...first, ...one, annotations: {a: 'b'}},
          {...second, ...tagged(two, 'v1')},
        ])
        expect(parse(back.text)).toEqual(before)
      },
    )
    fc.assert(property)
  })
})

describe('an index', () => {
  it('lists a manifest once', () => {
    const index = list(indexOf(tagged(one, 'v1')), two, 'the index')
    expect(manifestsIn(index)).toEqual([tagged(one, 'v1'), two])
    expect(list(index, one, 'the index')).toBe(index)
  })

  it.each([
    ['S1 empty', ''],
    ['not JSON', '{"schemaVersion":2'],
    ['a list', '[]'],
    ['of another version', '{"schemaVersion":1,"manifests":[]}'],
    ['without a version', '{"manifests":[]}'],
    ['of another type', `{"schemaVersion":2,"mediaType":"${ociManifest}","manifests":[]}`],
    ['without manifests', '{"schemaVersion":2}'],
    ['with something else for them', '{"schemaVersion":2,"manifests":{}}'],
    [
      'S11 with a descriptor without a digest',
      JSON.stringify({schemaVersion: 2, manifests: [{...one, digest: undefined}]}),
    ],
    [
      'with a digest that is none',
      JSON.stringify({schemaVersion: 2, manifests: [{...one, digest: 'sha256:../..'}]}),
    ],
    [
      'with a size that is none',
      JSON.stringify({schemaVersion: 2, manifests: [{...one, size: -1}]}),
    ],
    [
      'with an annotation that is not text',
      JSON.stringify({schemaVersion: 2, manifests: [{...one, annotations: {a: 1}}]}),
    ],
  ])('is refused: %s', (_, text) => {
    const error = thrownBy(() => decode(text))
    expect(error).toMatchObject({name: 'IntegrityError', code: 'ERR_INJECT_LAYOUT_INVALID'})
    expect(error.message).toContain('the index')
  })

  it('is refused with two members of one name', () => {
    const text = '{"schemaVersion":2,"manifests":[],"manifests":[]}'
    expect(thrownBy(() => decode(text)).code).toBe('ERR_INJECT_DUPLICATE_KEY')
  })

  it.each([
    ['Manifests beside manifests', '"manifests":[],"Manifests":[]', 'MEMBER'],
    ['a long s', '"manifest\u017F":[],"manifests":[]', 'MEMBER'],
    ['Digest in an entry', '"manifests":[{"Digest":"x"}]', 'MEMBER'],
    ['layers beside manifests', '"manifests":[],"layers":[]', 'DOCUMENT'],
  ])('A4 is refused where programs in Go read something else: %s', (_, members, what) => {
    const {code} = thrownBy(() => decode(`{"schemaVersion":2,${members}}`))
    expect(code).toBe(`ERR_INJECT_AMBIGUOUS_${what}`)
  })

  it('S10 does not know what a tag of two manifests means', () => {
    const index = indexOf(tagged(one, 'v1'), tagged(two, 'v1'), tagged(one, 'v2'))
    const error = thrownBy(() => findTag(index, 'v1', 'the index'))
    expect(error).toMatchObject({name: 'IntegrityError', code: 'ERR_INJECT_TAG_AMBIGUOUS'})
    expect(error.message).toContain(one.digest)
    expect(error.message).toContain(two.digest)
    expect(findTag(index, 'v2', 'the index')?.digest).toBe(one.digest)
    expect(findTag(index, 'v3', 'the index')).toBeUndefined()
  })
})
