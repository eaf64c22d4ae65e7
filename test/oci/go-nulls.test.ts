import {describe, expect, test} from 'vitest'
import {decodeConfig} from '../../src/oci/config.js'
import {decodeIndex} from '../../src/oci/image-index.js'
import {parseDocument} from '../../src/oci/json.js'
import {freeForm, manifestMembers} from '../../src/oci/known-members.js'
import {decodeManifest} from '../../src/oci/manifest.js'
import {ociIndex, ociManifest} from '../../src/oci/media-type.js'
import {checkManifest} from '../../src/server/api/manifest-check.js'
import {manifestParts} from '../../src/store/manifest-parts.js'
import {encode, makeDocuments, stored, textOf} from '../support/images.js'

const {manifest, configBytes} = makeDocuments()
const sound = JSON.parse(textOf(manifest)) as {config: object; layers: object[]}
const bytesOf = (value: object) => encode(JSON.stringify(value))

/** Every member that a manifest, an index or a descriptor can do without. */
const optional = ['annotations', 'artifactType', 'subject', 'blobs', 'fsLayers', 'signatures']
const ofDescriptors = ['annotations', 'urls', 'data', 'platform', 'artifactType']

describe('W3 null is absent', () => {
  test.each([...optional, 'mediaType', 'manifests'])('%s of a manifest', (name) => {
    const bytes = bytesOf({...sound, [name]: null})
    expect(decodeManifest(bytes, ociManifest).layers).toHaveLength(2)
    expect(checkManifest(bytes, ociManifest).blobs).toHaveLength(3)
    expect(manifestParts(stored(bytes, ociManifest)).blobs).toHaveLength(3)
  })

  test.each(ofDescriptors)('%s of a config and of a layer', (name) => {
    const [layer] = sound.layers
    const config = {...sound.config, [name]: null}
    const bytes = bytesOf({...sound, config, layers: [{...layer, [name]: null}]})
    const value = decodeManifest(bytes, ociManifest)
    expect(value.layers[0]).toEqual(layer)
    expect(value.config).toEqual(sound.config)
    expect(checkManifest(bytes, ociManifest).blobs).toHaveLength(2)
  })

  test('the layers of a manifest, which are then none', () => {
    const bytes = bytesOf({...sound, layers: null})
    expect(decodeManifest(bytes, ociManifest).layers).toEqual([])
    expect(checkManifest(bytes, ociManifest).blobs).toHaveLength(1)
    expect(manifestParts(stored(bytes, ociManifest)).blobs).toHaveLength(1)
  })

  test('the manifests of an index, with and without a media type of its own', () => {
    for (const mediaType of [ociIndex, undefined, null]) {
      const bytes = bytesOf({schemaVersion: 2, mediaType, manifests: null})
      expect(decodeIndex(bytes, ociIndex).manifests).toEqual([])
      expect(checkManifest(bytes, ociIndex).manifests).toEqual([])
      expect(manifestParts(stored(bytes, ociIndex)).children).toEqual([])
    }
  })

  test.each([
    ['null', null],
    ['empty', {}],
    ['of nulls', {os: null, architecture: null}],
    ['of empty texts', {os: '', architecture: ''}],
    ['without a processor', {os: 'linux'}],
    ['without a system', {architecture: 'amd64', os: ''}],
  ])('a platform that is %s', (_, platform) => {
    const entry = {...manifest.descriptor, platform}
    const {manifests} = decodeIndex(bytesOf({schemaVersion: 2, manifests: [entry]}), ociIndex)
    expect(manifests).toEqual([manifest.descriptor])
  })

  test('an empty variant and version of a platform', () => {
    const platform = {os: 'linux', architecture: 'amd64', variant: '', 'os.version': ''}
    const entry = {...manifest.descriptor, platform}
    const {manifests} = decodeIndex(bytesOf({schemaVersion: 2, manifests: [entry]}), ociIndex)
    expect(manifests[0]?.platform).toEqual({os: 'linux', architecture: 'amd64'})
  })

  test('the text of an annotation and of a label, which is then empty', () => {
    const bytes = bytesOf({...sound, annotations: {a: null, b: 'c'}})
    expect(decodeManifest(bytes, ociManifest).annotations).toEqual({a: '', b: 'c'})
    const config = JSON.parse(textOf({bytes: configBytes})) as object
    const withLabel = bytesOf({...config, config: {Labels: {a: null}}})
    expect(decodeConfig(withLabel).config?.Labels).toEqual({a: ''})
  })

  test('not where something has to be there', () => {
    const refused = [
      {...sound, config: null},
      {...sound, layers: [null]},
      {...sound, config: {...sound.config, digest: null}},
      {...sound, layers: [{...sound.layers[0], size: null}]},
      {...sound, schemaVersion: null},
    ]
    for (const value of refused)
      expect(() => decodeManifest(bytesOf(value), ociManifest)).toThrow(/is missing|must be/)
  })

  test('not of members that engines do not know', () => {
    const text = '{"unknown": null, "annotations": null, "__proto__": null}'
    expect(Object.keys(parseDocument(encode(text), 'it', manifestMembers).value)).toEqual([
      'unknown',
      '__proto__',
    ])
    expect(parseDocument(encode(text), 'it', freeForm).value['annotations']).toBeNull()
  })
})
