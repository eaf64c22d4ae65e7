import fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import {imageEntries, type IndexTree} from '../../../src/image/index/index-tree.js'
import {replaceImages} from '../../../src/image/index/replace-images.js'
import type {Descriptor} from '../../../src/oci/descriptor.js'
import {digestOf} from '../../../src/oci/digest.js'
import {encode} from '../../support/images.js'
import {makeAttestation, makeEntry, makeIndex, makeTree} from '../../support/indexes.js'

const [amd64, arm64, s390x] = [makeEntry('amd64'), makeEntry('arm64'), makeEntry('s390x')]
const next = ({mediaType, digest}: Descriptor): Descriptor => ({
  mediaType,
  digest: digestOf(encode(`new ${digest}`)),
  size: 999,
})
const replacing = (...entries: readonly Descriptor[]) =>
  new Map(entries.map((entry) => [entry.digest, next(entry)]))
const textOf = ({index}: IndexTree) => new TextDecoder().decode(index.bytes)

describe('the images of an index', () => {
  test('are those below nested indexes, too, each once', () => {
    const inner = makeTree([arm64, amd64])
    const tree = makeTree([amd64, makeAttestation(amd64)], [inner, makeTree([s390x], [inner])])
    expect(imageEntries(tree)).toEqual([amd64, arm64, s390x])
  })

  test('T-60 M24 forty levels of diamonds are walked once', () => {
    let tree = makeTree([amd64])
    for (let level = 0; level < 40; level++) {
      const digest = tree.index.descriptor.digest
      const index = makeIndex([
        tree.index.descriptor,
        {...tree.index.descriptor, annotations: {a: String(level)}},
      ])
      tree = {index, below: new Map([[digest, tree]])}
    }
    expect(imageEntries(tree)).toEqual([amd64])
    const {changed} = replaceImages(tree, {
      images: replacing(amd64),
      attestations: 'drop',
      base: 'forget',
    })
    expect(changed).toHaveLength(41)
  })

  test('a nested index that nobody has read hides its images', () => {
    expect(
      imageEntries({index: makeTree([], [makeTree([amd64])]).index, below: new Map()}),
    ).toEqual([])
  })
})

describe('replacing', () => {
  test('nothing gives the same tree', () => {
    const tree = makeTree([amd64], [makeTree([arm64])])
    expect(
      replaceImages(tree, {images: replacing(s390x), attestations: 'drop', base: 'forget'}),
    ).toEqual({
      tree,
      changed: [],
    })
    expect(
      replaceImages(tree, {images: new Map(), attestations: 'drop', base: 'forget'}).tree,
    ).toBe(tree)
  })

  test('an entry keeps what it says of the image, and nothing that is made from its content', () => {
    const full = makeEntry('amd64', {
      annotations: {'org.example.team': 'a'},
      urls: ['https://example.org/x'],
      data: 'AA==',
    })
    const tree = makeTree([full, arm64], [], {indent: 2, members: {annotations: {keep: 'me'}}})
    const {tree: result, changed} = replaceImages(tree, {
      images: replacing(full),
      attestations: 'drop',
      base: 'forget',
    })
    const {digest, size} = next(full)
    const [first, second] = result.index.value.manifests
    expect(first).toEqual({
      mediaType: full.mediaType,
      digest,
      size,
      platform: full.platform,
      annotations: full.annotations,
    })
    expect(second).toEqual(arm64)
    expect(result.index.value.annotations).toEqual({keep: 'me'})
    expect(result.index.descriptor).toEqual({
      mediaType: tree.index.descriptor.mediaType,
      digest: digestOf(result.index.bytes),
      size: result.index.bytes.length,
    })
    expect(changed).toEqual([result.index])
  })

  test('attestations of what is replaced go, or stay when asked; others stay', () => {
    const tree = makeTree([amd64, arm64, makeAttestation(amd64), makeAttestation(arm64)])
    const images = replacing(amd64)
    const dropped = replaceImages(tree, {images, attestations: 'drop', base: 'forget'}).tree
    expect(dropped.index.value.manifests.slice(1)).toEqual([arm64, makeAttestation(arm64)])
    const kept = replaceImages(tree, {images, attestations: 'keep', base: 'forget'}).tree
    expect(kept.index.value.manifests.slice(1)).toEqual(tree.index.value.manifests.slice(1))
  })

  test('nested indexes change with what is in them, inner ones first', () => {
    const inner = makeTree([arm64])
    const other = makeTree([s390x])
    const tree = makeTree([amd64], [inner, other])
    const {tree: result, changed} = replaceImages(tree, {
      images: replacing(arm64),
      attestations: 'drop',
      base: 'forget',
    })
    expect(changed).toHaveLength(2)
    expect(changed[1]).toBe(result.index)
    const [, nested, untouched] = result.index.value.manifests
    expect(nested?.digest).toBe(changed[0]?.descriptor.digest)
    expect(untouched).toEqual(other.index.descriptor)
    expect(imageEntries(result).map(({digest}) => digest)).toEqual([
      amd64.digest,
      next(arm64).digest,
      s390x.digest,
    ])
  })

  test('the outermost index remembers what it was, where it can, and forgets it again', () => {
    for (const family of ['oci', 'docker'] as const) {
      const inner = makeTree([arm64], [], {family})
      const tree = makeTree([amd64, makeAttestation(arm64)], [inner], {family})
      const images = replacing(arm64)
      const once = replaceImages(tree, {images, attestations: 'drop', base: 'remember'})
      const annotations = {'dev.inject.base': tree.index.descriptor.digest}
      expect(once.tree.index.value.annotations).toEqual(family === 'oci' ? annotations : undefined)
      expect(once.changed[0]?.value.annotations).toBeUndefined()
      const again = replaceImages(once.tree, {
        images: replacing(amd64),
        attestations: 'drop',
        base: 'remember',
      }).tree
      expect(again.index.value.annotations).toEqual(once.tree.index.value.annotations)
      const {index} = replaceImages(again, {
        images: new Map([[next(arm64).digest, arm64]]),
        attestations: 'drop',
        base: 'forget',
      }).tree
      expect(index.value.annotations ?? {}).toEqual({})
    }
  })

  test('sha512 stays sha512', () => {
    const tree = makeTree([amd64], [], {algorithm: 'sha512'})
    const {index} = replaceImages(tree, {
      images: replacing(amd64),
      attestations: 'drop',
      base: 'forget',
    }).tree
    expect(index.descriptor.digest).toBe(digestOf(index.bytes, 'sha512'))
  })

  test('P24 entries that are not chosen keep their bytes, whatever the document looks like', () => {
    const annotations = fc.dictionary(fc.string(), fc.string(), {maxKeys: 2})
    const entries = fc.array(fc.record({name: fc.string(), annotations, chosen: fc.boolean()}), {
      maxLength: 6,
    })
    fc.assert(
      fc.property(entries, fc.constantFrom(undefined, 1, 2, '\t'), (list, indent) => {
        const all = list.map(({name, annotations: own}, position) => ({
          ...makeEntry(`${position} ${name}`),
          annotations: own,
        }))
        const chosen = all.filter((_, position) => list[position]?.chosen)
        const tree = makeTree(all, [], {...(indent !== undefined && {indent})})
        const result = replaceImages(tree, {
          images: replacing(...chosen),
          attestations: 'drop',
          base: 'forget',
        })
        let expected = textOf(tree)
        for (const {digest, size} of chosen) {
          const {digest: now} = next({mediaType: '', digest, size})
          expected = expected.replace(new RegExp(`${digest}"([^}]*?)${size}`), `${now}"$1999`)
        }
        expect(textOf(result.tree)).toBe(expected)
      }),
    )
  })
})
