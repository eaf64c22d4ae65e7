import {describe, expect, it} from 'vitest'
import type {Descriptor} from '../../../../src/oci/descriptor.js'
import {digestOf} from '../../../../src/oci/digest.js'
import {ociManifest} from '../../../../src/oci/media-type.js'
import {
  decodeRepositoryIndex,
  entryOfDigest,
  entryOfTag,
  formatRepositoryIndex,
  withManifest,
  withoutManifests,
  withoutTag,
  withTag,
} from '../../../../src/store/served/manifests/index-value.js'

const now = new Date('2026-01-01T00:00:00Z')
const refName = 'org.opencontainers.image.ref.name'

function made(name: string): Descriptor {
  const bytes = Buffer.from(name)
  return {mediaType: ociManifest, digest: digestOf(bytes), size: bytes.length}
}

const decoded = (text: string) => decodeRepositoryIndex(Buffer.from(text), 'index.json of a')
const [one, two] = [made('one'), made('two')]
const tagged = (descriptor: Descriptor, tag: string) =>
  JSON.stringify({...descriptor, annotations: {[refName]: tag}})

describe('the index of a repository', () => {
  it.each([
    `{"schemaVersion":2,"manifests":[${tagged(one, 'v1')}],"x":1e400}`,
    `{ "x": {"a": "\\u0062"},\n "manifests" : [ ] , "schemaVersion": 2 }`,
  ])('is the text that it was, as long as nothing is edited: %s', (text) => {
    const {entries, ...around} = decoded(text)
    const brackets = formatRepositoryIndex({...around, entries})
    expect(JSON.parse(brackets)).toEqual(JSON.parse(text))
    expect(brackets.startsWith(text.slice(0, text.indexOf('[')))).toBe(true)
    expect(brackets.endsWith(text.slice(text.lastIndexOf(']')))).toBe(true)
  })

  it('keeps a manifest that lost its tag, once, and what is said of it', () => {
    const before = decoded(`{"schemaVersion":2,"manifests":[${tagged(one, 'v1')}],"more":[1]}`)
    const moved = withTag(before, 'v1', two, now)
    expect(entryOfTag(moved, 'v1', 'a')).toMatchObject(two)
    expect(entryOfDigest(moved, one.digest)).toMatchObject({...one, tag: undefined})
    expect(JSON.parse(formatRepositoryIndex(moved))).toEqual({
      schemaVersion: 2,
      manifests: [
        one,
        {...two, annotations: {[refName]: 'v1', 'dev.inject.pushed': now.toISOString()}},
      ],
      more: [1],
    })
    const both = withTag(moved, 'v2', one, now)
    expect(both.entries).toHaveLength(2)
    // what it is called beside another name says nothing more
    const again = withoutTag(withTag(both, 'v3', one, now), 'v3')
    expect(again.entries.map(({tag}) => tag)).toEqual(['v2', 'v1'])
    expect(before.entries).toHaveLength(1)
  })

  it('is the same object when there is nothing to do', () => {
    const index = decoded(`{"schemaVersion":2,"manifests":[${tagged(one, 'v1')}]}`)
    expect(withoutTag(index, 'v9')).toBe(index)
    expect(withManifest(index, one)).toBe(index)
    expect(withManifest(index, two).entries).toHaveLength(2)
    expect(withoutManifests(index, new Set([one.digest])).entries).toEqual([])
  })

  it('does not choose between two manifests of one tag', () => {
    const twice = decoded(
      `{"schemaVersion":2,"manifests":[${tagged(one, 'v1')},${tagged(two, 'v1')}]}`,
    )
    expect(() => entryOfTag(twice, 'v1', 'a')).toThrow(
      expect.objectContaining({code: 'ERR_INJECT_TAG_AMBIGUOUS'}),
    )
    expect(entryOfTag(twice, 'v2', 'a')).toBeUndefined()
    expect(() => decoded('{"schemaVersion":2}')).toThrow(
      expect.objectContaining({code: 'ERR_INJECT_LAYOUT_INVALID'}),
    )
  })
})
