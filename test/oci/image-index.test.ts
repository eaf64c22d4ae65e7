import {describe, expect, test} from 'vitest'
import {attested, decodeIndex, entryKind, indexMediaType} from '../../src/oci/image-index.js'
import {dockerManifestList, ociIndex, ociManifest} from '../../src/oci/media-type.js'
import {encode} from '../support/images.js'
import {makeAttestation, makeEntry, makeIndex} from '../support/indexes.js'
import {thrownBy} from '../support/thrown-by.js'

const amd64 = makeEntry('amd64')
const sound = {schemaVersion: 2, mediaType: ociIndex, manifests: [amd64]}
const decode = (value: unknown, mediaType: string = ociIndex) =>
  decodeIndex(encode(JSON.stringify(value)), mediaType)

test('an index is decoded as it is', () => {
  expect(decode({...sound, more: 1})).toEqual({...sound, more: 1})
  expect(indexMediaType(decode(sound), 'application/json')).toBe(ociIndex)
  const list = {...sound, mediaType: dockerManifestList}
  expect(indexMediaType(decode(list, dockerManifestList), dockerManifestList)).toBe(
    dockerManifestList,
  )
})

describe('what is not an index', () => {
  test.each([
    ['no manifests', {...sound, manifests: undefined}],
    ['manifests no list', {...sound, manifests: {}}],
    ['an entry without digest', {...sound, manifests: [{...amd64, digest: undefined}]}],
    ['a platform with os 1', {...sound, manifests: [{...amd64, platform: {os: 1}}]}],
    ['schemaVersion 1', {...sound, schemaVersion: 1}],
    ['annotations that are not strings', {...sound, annotations: {a: 1}}],
  ])('%s', (_, value) => {
    expect(thrownBy(() => decode(value))).toMatchObject({code: 'ERR_INJECT_INDEX_INVALID'})
  })

  test('T-53 M17 an image, or both', () => {
    const image = {schemaVersion: 2, mediaType: ociManifest, config: {}, layers: []}
    expect(thrownBy(() => decode(image, ociManifest))).toMatchObject({
      code: 'ERR_INJECT_NOT_AN_INDEX',
    })
    expect(thrownBy(() => decode({...sound, layers: []}))).toMatchObject({
      code: 'ERR_INJECT_AMBIGUOUS_DOCUMENT',
    })
  })
})

test.each([
  ['a platform', 'image', amd64],
  ["OCI's type of an index", 'index', makeIndex([]).descriptor],
  ["Docker's type of a list", 'index', makeIndex([], {family: 'docker'}).descriptor],
  ['a reference to an image', 'attestation', makeAttestation(amd64)],
  ['another media type', 'other', {...amd64, mediaType: 'application/vnd.example'}],
  ['an artifact type', 'other', {...amd64, artifactType: 'application/vnd.example'}],
  ['annotations', 'image', {...amd64, annotations: {a: 'b'}}],
] as const)('M25 an entry with %s is an %s', (_, kind, entry) => {
  expect(entryKind(entry)).toBe(kind)
  expect(attested(entry)).toBe(kind === 'attestation' ? amd64.digest : undefined)
})
