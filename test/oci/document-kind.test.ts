import {describe, expect, it} from 'vitest'
import {documentKind, servedMediaType} from '../../src/oci/document-kind.js'
import {
  dockerConfig,
  dockerManifest,
  dockerManifestList,
  ociConfig,
  ociIndex,
  ociManifest,
} from '../../src/oci/media-type.js'

const typed = (mediaType: unknown) => ({mediaType})
const image = (config: unknown, more: object = {}) => ({
  schemaVersion: 2,
  config: typed(config),
  layers: [],
  ...more,
})
const index = (...entries: unknown[]) => ({schemaVersion: 2, manifests: entries.map(typed)})

describe('a document that neither names itself nor was served as anything', () => {
  it.each<[string, Record<string, unknown>, string, string]>([
    ['an OCI config', image(ociConfig), 'image', ociManifest],
    ['a Docker config', image(dockerConfig), 'image', dockerManifest],
    ['a config type in another case', image(ociConfig.toUpperCase()), 'image', ociManifest],
    ['Docker entries', index(dockerManifest, dockerManifest), 'index', dockerManifestList],
    ['OCI entries', index(ociManifest), 'index', ociIndex],
    ['entries of both families', index(dockerManifest, ociManifest), 'index', ociIndex],
    ['entries without a type', index(undefined), 'index', ociIndex],
    ['no entries', index(), 'index', ociIndex],
    ['an entry that is not an object', {schemaVersion: 2, manifests: [null]}, 'index', ociIndex],
    ['an empty mediaType of its own', image(ociConfig, {mediaType: ''}), 'image', ociManifest],
  ])('is told by %s', (_, value, kind, mediaType) => {
    for (const served of ['application/json', 'text/plain', '', 'binary/octet-stream'])
      expect(documentKind(value, served)).toEqual({kind, mediaType})
  })

  it.each<[string, Record<string, unknown>]>([
    ['a config of something else', image('application/vnd.oci.empty.v1+json')],
    ['a config of a general type', image('application/octet-stream')],
    ['a config without a type', image(undefined)],
    ['a config that is not an object', {schemaVersion: 2, config: null, layers: []}],
    ['no layers', {schemaVersion: 2, config: typed(ociConfig)}],
    ['layers that are not a list', {...image(ociConfig), layers: {}}],
    ['manifests that are not a list', {schemaVersion: 2, manifests: {}}],
    ['the members of both', {...image(ociConfig), ...index(ociManifest)}],
    ['another schema', {...image(ociConfig), schemaVersion: 3}],
    ['no schema', {config: typed(ociConfig), layers: []}],
    ['no members', {schemaVersion: 2}],
  ])('stays ambiguous with %s', (_, value) => {
    expect(() => documentKind(value, 'application/json')).toThrow(
      expect.objectContaining({code: 'ERR_INJECT_AMBIGUOUS_DOCUMENT'}),
    )
  })

  it('is never told by its members when it was served as something', () => {
    expect(documentKind(image(dockerConfig), ociManifest).mediaType).toBe(ociManifest)
    expect(documentKind(image(dockerConfig), 'application/x').kind).toBe('unknown')
  })
})

it.each<[string, string, string, string]>([
  ['a type that says something', JSON.stringify(image(dockerConfig)), ociManifest, ociManifest],
  ['its own name', JSON.stringify({mediaType: ociIndex, manifests: []}), 'text/plain', ociIndex],
  ['its members', JSON.stringify(image(ociConfig)), 'application/json', ociManifest],
  ['nothing: not JSON', '<html>', 'text/plain', 'text/plain'],
  ['nothing: a number', '1', 'application/json', 'application/json'],
  ['nothing: ambiguous', '{"schemaVersion": 2}', 'application/json', 'application/json'],
])('bytes are of the media type of %s', (_, text, served, expected) => {
  expect(servedMediaType(Buffer.from(text), served)).toBe(expected)
})
