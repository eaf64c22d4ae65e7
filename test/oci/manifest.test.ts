import fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import {
  type ErrorCode,
  InjectError,
  IntegrityError,
  LimitError,
  PreconditionError,
} from '../../src/errors.js'
import {decodeManifest, familyOf, manifestMediaType} from '../../src/oci/manifest.js'
import {
  dockerManifest,
  dockerManifestList,
  dockerSchema1,
  dockerSchema1Signed,
  ociIndex,
  ociManifest,
} from '../../src/oci/media-type.js'
import {encode, makeDocuments, makeLayer, textOf} from '../support/images.js'
import {thrownBy} from '../support/thrown-by.js'
import {runs} from '../support/property-runs.js'

const oci = makeDocuments().manifest
const docker = makeDocuments({family: 'docker'}).manifest
const ociText = textOf(oci)
const dockerText = textOf(docker)
const sound = JSON.parse(ociText) as Record<string, unknown> & {layers: unknown[]; config: object}

/** The sound OCI manifest with other members; `undefined` removes one. */
function changed(members: Record<string, unknown>): string {
  return JSON.stringify({...sound, ...members})
}

function withLayer(members: Record<string, unknown>): string {
  return changed({layers: [{...(sound.layers[0] as object), ...members}]})
}

function unnamed(text: string): string {
  return JSON.stringify({...(JSON.parse(text) as object), mediaType: undefined})
}

const decode = (text: string, mediaType = ociManifest) => decodeManifest(encode(text), mediaType)

describe('sound manifests', () => {
  test.each([
    ['OCI', ociText, ociManifest, ociManifest, 'oci'],
    ['M27 Docker schema 2', dockerText, dockerManifest, dockerManifest, 'docker'],
    ['M19 no mediaType', changed({mediaType: undefined}), ociManifest, ociManifest, 'oci'],
    [
      'M18 parameters and case do not matter',
      ociText,
      'Application/vnd.OCI.image.manifest.v1+json; charset=utf-8',
      ociManifest,
      'oci',
    ],
    ['served as JSON by a web server', dockerText, 'application/json', dockerManifest, 'docker'],
    ['served as nothing', ociText, '', ociManifest, 'oci'],
    ['OCI, told by its config', unnamed(ociText), 'text/plain; charset=utf-8', ociManifest, 'oci'],
    [
      'Docker, told by its config',
      unnamed(dockerText),
      'application/json',
      dockerManifest,
      'docker',
    ],
    ['M30 no layers', changed({layers: []}), ociManifest, ociManifest, 'oci'],
    [
      'M31 10,000 layers',
      changed({
        layers: Array.from({length: 10_000}, (_, index) => makeLayer(`${index}`).descriptor),
      }),
      ociManifest,
      ociManifest,
      'oci',
    ],
    [
      'M32 a zstd layer',
      withLayer({mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd'}),
      ociManifest,
      ociManifest,
      'oci',
    ],
    [
      'M33 a foreign layer with urls',
      withLayer({urls: ['https://evil.example/']}),
      ociManifest,
      ociManifest,
      'oci',
    ],
    [
      'M34 an encrypted layer',
      withLayer({mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip+encrypted'}),
      ociManifest,
      ociManifest,
      'oci',
    ],
    [
      'M35 data in the config’s descriptor',
      changed({config: {...sound.config, data: 'e30='}}),
      ociManifest,
      ociManifest,
      'oci',
    ],
    ['M36 a subject', changed({subject: sound.config}), ociManifest, ociManifest, 'oci'],
    [
      'M16 a member called __proto__',
      ociText.replace('{', '{"__proto__": {"layers": 1},'),
      ociManifest,
      ociManifest,
      'oci',
    ],
    ['M29 a size beyond 32 bits', withLayer({size: 2 ** 53 - 1}), ociManifest, ociManifest, 'oci'],
  ])('%s', (_, text, served, mediaType, family) => {
    const manifest = decode(text, served)
    expect(manifest).toEqual(JSON.parse(text))
    expect(manifestMediaType(manifest, served)).toBe(mediaType)
    expect(familyOf(manifest, served)).toBe(family)
  })

  test('T-57 a member called __proto__ changes no other object', () => {
    decode(
      ociText.replace('{', '{"__proto__": {"polluted": 1}, "annotations": {"__proto__": "x"},'),
    )
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})

describe('refused as malformed', () => {
  const invalid: ErrorCode = 'ERR_INJECT_MANIFEST_INVALID'
  const ambiguous: ErrorCode = 'ERR_INJECT_AMBIGUOUS_DOCUMENT'
  const differs: ErrorCode = 'ERR_INJECT_AMBIGUOUS_MEMBER'
  const one = sound.layers[0] as Record<string, unknown>
  test.each<[string, string, string, ErrorCode, string]>([
    ['M1 empty body', '', ociManifest, invalid, 'the manifest is not JSON'],
    ['M2 null', 'null', ociManifest, invalid, 'the manifest is not a JSON object'],
    ['M3 list', '[]', ociManifest, invalid, 'the manifest is not a JSON object'],
    ['M4 text', '"x"', ociManifest, invalid, 'the manifest is not a JSON object'],
    ['M5 truncated', ociText.slice(0, -10), ociManifest, invalid, 'the manifest is not JSON'],
    ['M6 trailing garbage', `${ociText}x`, ociManifest, invalid, 'the manifest is not JSON'],
    [
      'M7 byte order mark',
      `\uFEFF${ociText}`,
      ociManifest,
      invalid,
      'the manifest begins with a byte order mark',
    ],
    [
      'M14 duplicate layers',
      ociText.replace('"layers":', '"layers":[],"layers":'),
      ociManifest,
      'ERR_INJECT_DUPLICATE_KEY',
      'the manifest has two members called "layers" in one object',
    ],
    [
      'M15 duplicate digest in a descriptor',
      ociText.replace('"digest":', '"digest":"","digest":'),
      ociManifest,
      'ERR_INJECT_DUPLICATE_KEY',
      'the manifest has two members called "digest" in one object',
    ],
    [
      'M17 layers and manifests',
      changed({manifests: []}),
      ociManifest,
      ambiguous,
      'the manifest has the members of several kinds of document',
    ],
    [
      'M17 config and manifests',
      changed({manifests: [], layers: undefined, mediaType: undefined}),
      ociIndex,
      ambiguous,
      'the manifest has the members of several kinds of document',
    ],
    [
      'T-50 fsLayers and layers',
      changed({fsLayers: []}),
      ociManifest,
      ambiguous,
      'the manifest has the members of several kinds of document',
    ],
    [
      'M18 mediaType is not the Content-Type',
      ociText,
      dockerManifest,
      ambiguous,
      `the manifest calls itself "${ociManifest}" but was served as "${dockerManifest}"`,
    ],
    [
      'M18 an image served as an index',
      changed({mediaType: undefined}),
      ociIndex,
      ambiguous,
      `the manifest calls itself "${ociIndex}" but has other members`,
    ],
    [
      'M18 an index that calls itself an image',
      JSON.stringify({schemaVersion: 2, mediaType: ociManifest, manifests: []}),
      ociManifest,
      ambiguous,
      `the manifest calls itself "${ociManifest}" but has other members`,
    ],
    [
      'T-50 nobody says what it is, nor does its config',
      changed({mediaType: undefined, config: {...sound.config, mediaType: 'text/x'}}),
      'application/json',
      ambiguous,
      'the manifest does not say what it is',
    ],
    [
      'M21 schemaVersion 3',
      changed({schemaVersion: 3}),
      ociManifest,
      invalid,
      'the manifest is not valid: schemaVersion must be 2, found 3',
    ],
    [
      'M21 schemaVersion "2"',
      changed({schemaVersion: '2'}),
      ociManifest,
      invalid,
      'the manifest is not valid: schemaVersion must be 2, found "2"',
    ],
    [
      'M21 no schemaVersion',
      changed({schemaVersion: undefined}),
      ociManifest,
      invalid,
      'the manifest is not valid: schemaVersion is missing',
    ],
    [
      'M20 schemaVersion 1 with layers',
      changed({schemaVersion: 1}),
      ociManifest,
      invalid,
      'the manifest is not valid: schemaVersion must be 2, found 1',
    ],
    [
      'M28 size -1',
      withLayer({size: -1}),
      ociManifest,
      invalid,
      'the manifest is not valid: layers.0.size must be a whole number of bytes, found -1',
    ],
    [
      'M21 the number 2 as 2.0',
      ociText.replace('"schemaVersion":2', '"schemaVersion":2.0'),
      ociManifest,
      differs,
      'the manifest has 2.0 as "schemaVersion", which is not an integer in 64 bits',
    ],
    [
      'M10 half of a surrogate pair in an annotation',
      ociText.replace('{', '{"annotations": {"a": "\\ud800"},'),
      ociManifest,
      differs,
      'the manifest has half of a surrogate pair in the text "\\ud800"',
    ],
    [
      'M28 size 1.5',
      withLayer({size: 1.5}),
      ociManifest,
      differs,
      'the manifest has 1.5 as "size", which is not an integer in 64 bits',
    ],
    [
      'M28 size 2^63',
      withLayer({size: 2 ** 63}),
      ociManifest,
      differs,
      'the manifest has 9223372036854776000 as "size", which is not an integer in 64 bits',
    ],
    [
      'M28 size "12"',
      withLayer({size: '12'}),
      ociManifest,
      invalid,
      'the manifest is not valid: layers.0.size must be a whole number of bytes, found "12"',
    ],
    [
      'M28 size 9e99',
      withLayer({size: 9e99}),
      ociManifest,
      differs,
      'the manifest has 9e+99 as "size", which is not an integer in 64 bits',
    ],
    [
      'M28 size null',
      withLayer({size: null}),
      ociManifest,
      invalid,
      'the manifest is not valid: layers.0.size is missing',
    ],
    [
      'M28 no size',
      withLayer({size: undefined}),
      ociManifest,
      invalid,
      'the manifest is not valid: layers.0.size is missing',
    ],
    [
      'M29 digest in upper case',
      withLayer({digest: String(one['digest']).toUpperCase()}),
      ociManifest,
      invalid,
      'the manifest is not valid: layers.0.digest must be a digest, found "SHA256:',
    ],
    [
      'M29 md5',
      withLayer({digest: 'md5:d41d8cd98f00b204e9800998ecf8427e'}),
      ociManifest,
      invalid,
      'layers.0.digest must be a digest, found "md5:d41d8cd98f00b204e9800998ecf8427e"',
    ],
    [
      'M29 short',
      withLayer({digest: 'sha256:abc'}),
      ociManifest,
      invalid,
      'layers.0.digest must be a digest, found "sha256:abc"',
    ],
    [
      'M29 a path',
      changed({config: {...sound.config, digest: 'sha256:../../etc/passwd'}}),
      ociManifest,
      invalid,
      'config.digest must be a digest, found "sha256:../../etc/passwd"',
    ],
    [
      'M29 no digest',
      withLayer({digest: undefined}),
      ociManifest,
      invalid,
      'layers.0.digest is missing',
    ],
    ['no config', changed({config: undefined}), ociManifest, invalid, 'config is missing'],
    ['config null', changed({config: null}), ociManifest, invalid, 'config is missing'],
    ['no layers', changed({layers: undefined}), ociManifest, invalid, 'layers is missing'],
    [
      'layers an object',
      changed({layers: {}}),
      ociManifest,
      invalid,
      'layers must be an array, found an object',
    ],
    [
      'a layer that is a list',
      changed({layers: [[]]}),
      ociManifest,
      invalid,
      'layers.0 must be an object, found an array',
    ],
    [
      'a mediaType that is a number',
      changed({mediaType: 5}),
      ociManifest,
      invalid,
      'mediaType must be a string, found 5',
    ],
    [
      'an empty mediaType of a layer',
      withLayer({mediaType: ''}),
      ociManifest,
      invalid,
      'layers.0.mediaType must not be empty, found ""',
    ],
    [
      'an annotation that is a list',
      changed({annotations: {'a\u001b': []}}),
      ociManifest,
      invalid,
      'annotations."a\\u001b" must be a string, found an array',
    ],
    ['nothing in it', '{}', ociManifest, invalid, 'schemaVersion is missing'],
  ])('%s', (_, text, served, code, message) => {
    const error = thrownBy(() => decode(text, served))
    expect(error).toBeInstanceOf(IntegrityError)
    expect(error.code).toBe(code)
    expect(error.message).toContain(message)
    expect(error.message).toMatch(/^[\x20-\x7e…]*$/)
  })

  test('M8 UTF-16', () => {
    const error = thrownBy(() => decodeManifest(Buffer.from(ociText, 'utf16le'), ociManifest))
    expect(error.code).toBe('ERR_INJECT_MANIFEST_INVALID')
  })

  test('M9 a byte that is not UTF-8 in an annotation', () => {
    const bytes = Buffer.from(ociText.replace('{', '{"annotations": {"a": "\u00ff"},'), 'latin1')
    expect(thrownBy(() => decodeManifest(bytes, ociManifest)).code).toBe(
      'ERR_INJECT_MANIFEST_INVALID',
    )
  })

  test('M11 depth, M12 4 MiB exactly, M13 more', () => {
    const deep = thrownBy(() => decode(`{"a":${'['.repeat(100_000)}`))
    expect(deep).toBeInstanceOf(LimitError)
    expect(deep.code).toBe('ERR_INJECT_DOCUMENT_TOO_DEEP')
    const padded = (size: number) => `${ociText}${' '.repeat(size - ociText.length)}`
    expect(decode(padded(4 * 1024 * 1024))).toEqual(sound)
    expect(thrownBy(() => decode(padded(4 * 1024 * 1024 + 1))).code).toBe(
      'ERR_INJECT_DOCUMENT_TOO_LARGE',
    )
  })
})

describe('refused as another kind', () => {
  const index = JSON.stringify({schemaVersion: 2, mediaType: ociIndex, manifests: []})
  const list = JSON.stringify({
    schemaVersion: 2,
    mediaType: dockerManifestList,
    manifests: [sound.config],
  })
  const schema1 = {
    schemaVersion: 1,
    name: 'a/b',
    tag: 'x',
    architecture: 'amd64',
    fsLayers: [{blobSum: 'sha256:…'}],
    history: [],
  }
  test.each<[string, string, string, ErrorCode]>([
    ['M20 schema 1', JSON.stringify(schema1), dockerSchema1, 'ERR_INJECT_SCHEMA1'],
    [
      'M20 schema 1 signed',
      JSON.stringify({...schema1, signatures: []}),
      dockerSchema1Signed,
      'ERR_INJECT_SCHEMA1',
    ],
    [
      'M20 schema 1 served as JSON',
      JSON.stringify(schema1),
      'application/json',
      'ERR_INJECT_SCHEMA1',
    ],
    ['M20 schema 1 by its version alone', '{"schemaVersion": 1}', '', 'ERR_INJECT_SCHEMA1'],
    ['M22-M25 an index', index, ociIndex, 'ERR_INJECT_INDEX_UNSUPPORTED'],
    [
      'M22-M25 an index without mediaType',
      '{"schemaVersion": 2, "manifests": []}',
      ociIndex,
      'ERR_INJECT_INDEX_UNSUPPORTED',
    ],
    ['M22-M25 a manifest list', list, dockerManifestList, 'ERR_INJECT_INDEX_UNSUPPORTED'],
    [
      'M26 an artifact with the empty config',
      changed({config: {...sound.config, mediaType: 'application/vnd.oci.empty.v1+json'}}),
      ociManifest,
      'ERR_INJECT_NOT_AN_IMAGE',
    ],
    [
      'M26 an artifact by its config',
      changed({config: {...sound.config, mediaType: 'application/vnd.cncf.helm.config.v1+json'}}),
      ociManifest,
      'ERR_INJECT_NOT_AN_IMAGE',
    ],
    [
      'M26 an artifact by its artifactType',
      changed({artifactType: 'application/x\u001b'}),
      ociManifest,
      'ERR_INJECT_NOT_AN_IMAGE',
    ],
    [
      'M26 a document of a type unknown to us',
      '{"mediaType": "application/vnd.oci.artifact.manifest.v1+json", "blobs": []}',
      '',
      'ERR_INJECT_NOT_AN_IMAGE',
    ],
    [
      'M26 an image of a type unknown to us',
      changed({mediaType: undefined}),
      'text/html',
      'ERR_INJECT_NOT_AN_IMAGE',
    ],
  ])('%s', (_, text, served, code) => {
    const error = thrownBy(() => decode(text, served))
    expect(error).toBeInstanceOf(PreconditionError)
    expect(error.code).toBe(code)
    expect(error.hint).toBeTruthy()
    expect(error.message).toMatch(/^[\x20-\x7e…]*$/)
  })
})

test('P10 any JSON gives a manifest or an error of ours', () => {
  const member = fc.constantFrom(
    'schemaVersion',
    'mediaType',
    'config',
    'layers',
    'manifests',
    'fsLayers',
    'artifactType',
    'annotations',
    '__proto__',
  )
  const value = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom(2, ociManifest, ociIndex, sound.config, sound.layers),
  )
  const document = fc.oneof(
    fc.dictionary(member, value),
    fc.dictionary(member, value).map((members) => ({...sound, ...members})),
  )
  fc.assert(
    fc.property(
      document,
      fc.constantFrom(ociManifest, dockerManifest, ociIndex, '', 'x'),
      (members, served) => {
        try {
          const manifest = decode(JSON.stringify(members), served)
          expect(manifest.layers.every(({size}) => Number.isSafeInteger(size))).toBe(true)
        } catch (error) {
          expect(error).toBeInstanceOf(InjectError)
        }
      },
    ),
    {numRuns: runs(2.5)},
  )
})
