import {describe, expect, test} from 'vitest'
import {imageEntries, type IndexTree} from '../../../src/image/index/index-tree.js'
import {selectImages} from '../../../src/image/index/select-images.js'
import type {Descriptor} from '../../../src/oci/descriptor.js'
import {digestOf} from '../../../src/oci/digest.js'
import {makeAttestation, makeEntry, makeIndex, makeTree} from '../../support/indexes.js'

const [amd64, arm64, s390x] = [makeEntry('amd64'), makeEntry('arm64'), makeEntry('s390x')]
const keeping = (...entries: readonly Descriptor[]) => new Set(entries.map(({digest}) => digest))
const entriesOf = ({index}: IndexTree) => index.value.manifests

describe('choosing images of an index', () => {
  test.each(['oci', 'docker'] as const)(
    'others go, %s, and all that stays is as it was',
    (family) => {
      const artifact = makeEntry('other', {mediaType: 'application/vnd.example'})
      const members = {annotations: {note: 'kept'}, unknown: [1]}
      const tree = makeTree([amd64, arm64, artifact], [], {family, indent: 2, members})
      const {tree: chosen, changed} = selectImages(tree, keeping(arm64))
      expect(entriesOf(chosen)).toEqual([arm64, artifact])
      expect(changed).toEqual([chosen.index])
      expect(chosen.index.value).toMatchObject(members)
      expect(chosen.index.descriptor).toEqual({
        mediaType: tree.index.descriptor.mediaType,
        digest: digestOf(chosen.index.bytes),
        size: chosen.index.bytes.length,
      })
    },
  )

  test('nothing to leave out gives the same tree', () => {
    const tree = makeTree([amd64, arm64], [makeTree([s390x])])
    const {tree: chosen, changed} = selectImages(tree, keeping(amd64, arm64, s390x))
    expect(chosen).toBe(tree)
    expect(changed).toEqual([])
  })

  test('attestations go with their images', () => {
    const about = [makeAttestation(amd64), makeAttestation(arm64)]
    const {tree} = selectImages(makeTree([amd64, arm64, ...about]), keeping(amd64))
    expect(entriesOf(tree)).toEqual([amd64, about[0]])
  })

  test('nested indexes become smaller, and go when nothing is left in them', () => {
    const inner = makeTree([amd64, arm64])
    const gone = makeTree([s390x])
    const tree = makeTree([], [inner, gone])
    const {tree: chosen, changed} = selectImages(tree, keeping(arm64))
    expect(imageEntries(chosen)).toEqual([arm64])
    const [entry, ...others] = entriesOf(chosen)
    expect(others).toEqual([])
    const nested = chosen.below.get(entry!.digest)!
    expect(entry).toMatchObject({digest: nested.index.descriptor.digest})
    expect(changed.at(-1)).toBe(chosen.index)
    expect(changed).toContain(nested.index)
  })

  test('T-60 diamonds are walked once, and what was not read stays', () => {
    let tree = makeTree([amd64, arm64])
    for (let level = 0; level < 40; level++) {
      const {digest} = tree.index.descriptor
      const entry = {...tree.index.descriptor, data: 'AAAA', urls: ['x']}
      const index = makeIndex([entry, {...entry, annotations: {a: String(level)}}])
      tree = {index, below: new Map([[digest, tree]])}
    }
    const {tree: chosen, changed} = selectImages(tree, keeping(amd64))
    expect(changed).toHaveLength(41)
    expect(imageEntries(chosen)).toEqual([amd64])
    for (const entry of entriesOf(chosen)) expect(entry).not.toHaveProperty('data')
    for (const entry of entriesOf(chosen)) expect(entry).not.toHaveProperty('urls')
    const unread = {...makeTree([], [makeTree([s390x])]), below: new Map()}
    expect(selectImages(unread, keeping(amd64)).tree).toBe(unread)
  })
})
