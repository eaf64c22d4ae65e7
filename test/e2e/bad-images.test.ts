import {mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {digestOf, hexOf} from '../../src/oci/digest.js'
import {
  dockerManifestList,
  dockerSchema1Signed,
  ociIndex,
  ociManifest,
} from '../../src/oci/media-type.js'
import {errorLine} from '../../src/cli/terminal/error-line.js'
import {exitCode} from '../../src/cli/terminal/exit-code.js'
import {parseReference} from '../../src/oci/names/reference.js'
import {update} from '../../src/operations/update.js'
import {inject} from '../support/cli.js'
import {encode, makeDocuments, textOf, type ImageRecipe} from '../support/images.js'
import {localPorts} from '../support/local-ports.js'
import {tempDir} from '../support/temp-dir.js'
import {updateRequest} from '../support/update-options.js'

/** Writes a layout by hand, so that it holds whatever it is told to. Returns `oci:DIR:v1`. */
function writeLayout(
  folder: string,
  manifest: string | Uint8Array,
  blobs: readonly Uint8Array[],
  mediaType = ociManifest,
): string {
  const directory = join(folder, 'images')
  const bytes = typeof manifest === 'string' ? encode(manifest) : manifest
  mkdirSync(join(directory, 'blobs/sha256'), {recursive: true})
  for (const blob of [bytes, ...blobs])
    writeFileSync(join(directory, 'blobs/sha256', hexOf(digestOf(blob))), blob)
  writeFileSync(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  const descriptor = {
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
    annotations: {'org.opencontainers.image.ref.name': 'v1'},
  }
  writeFileSync(
    join(directory, 'index.json'),
    JSON.stringify({schemaVersion: 2, manifests: [descriptor]}),
  )
  return `oci:${directory}:v1`
}

/**
 * What an update of an image with a small directory comes to: what the command would exit with, and
 * say. It runs in this process, as a start for each would take longer than all the rest.
 */
async function updated(folder: string, image: string) {
  const directory = join(folder, 'tree')
  mkdirSync(join(directory, 'cvmfs'), {recursive: true})
  writeFileSync(join(directory, 'cvmfs/file'), 'content')
  try {
    await update(updateRequest({reference: parseReference(image), directory}), localPorts())
    return {exitCode: 0, stderr: ''}
  } catch (error) {
    return {exitCode: exitCode(error), stderr: `inject: ${errorLine(error)}`}
  }
}

const sound = makeDocuments()
const text = textOf(sound.manifest)
const manifest = JSON.parse(text) as {config: object; layers: object[]}
const changed = (members: object) => JSON.stringify({...manifest, ...members})
const withLayer = (members: object) =>
  changed({layers: [{...manifest.layers[0], ...members}, ...manifest.layers.slice(1)]})
const digest = digestOf(encode('x'))

describe('manifests', () => {
  const rows: [string, string | Uint8Array, number, string?][] = [
    ['M1 empty', '', 6],
    ['M2 null', 'null', 6],
    ['M3 list', '[]', 6],
    ['M4 text', '"x"', 6],
    ['M5 truncated', text.slice(0, -20), 6],
    ['M6 trailing garbage', `${text}x`, 6],
    ['M7 byte order mark', `\uFEFF${text}`, 6],
    ['M8 UTF-16', Buffer.from(text, 'utf16le'), 6],
    [
      'M9 invalid UTF-8',
      Buffer.concat([
        Buffer.from(`{"annotations":{"a":"`),
        Buffer.from([0xff]),
        Buffer.from(`"},${text.slice(1)}`),
      ]),
      6,
    ],
    ['M10 lone surrogate', text.replace('{', '{"annotations":{"a":"\\ud800"},'), 6],
    ['A4 Layers beside layers, as Go reads it', changed({Layers: []}), 6],
    ['A4 Layers instead of layers', text.replace('"layers"', '"Layers"'), 6],
    ['A4 layers with a long s beside layers', changed({'layer\u017F': []}), 6],
    ['A4 Manifests beside layers', changed({Manifests: []}), 6],
    ['A4 Digest beside a digest', withLayer({Digest: digest}), 6],
    [
      'A4 a key of annotations like a member',
      changed({annotations: {Layers: 'x', layers: 'y'}}),
      0,
    ],
    [
      'M11 depth 100,000',
      text.replace('{', `{"x":${'['.repeat(100_000)}${']'.repeat(100_000)},`),
      10,
    ],
    [
      'M12 4 MiB exactly',
      text.replace('{', `{"x":"${' '.repeat(4 * 1024 * 1024 - text.length - 7)}",`),
      10,
    ],
    [
      'M13 4 MiB and 1',
      text.replace('{', `{"x":"${' '.repeat(4 * 1024 * 1024 - text.length - 6)}",`),
      10,
    ],
    ['M14 duplicate layers', text.replace('"layers":', '"layers":[],"layers":'), 6],
    ['M15 duplicate digest', text.replace('"digest":', '"digest":"","digest":'), 6],
    ['M16 __proto__', text.replace('{', '{"__proto__":{"layers":1},'), 0],
    ['M17 layers and manifests', changed({manifests: []}), 6],
    ['M18 mediaType differs', changed({mediaType: ociIndex}), 6],
    ['M19 no mediaType', changed({mediaType: undefined}), 0],
    [
      'M20 schema 1',
      JSON.stringify({schemaVersion: 1, name: 'x', tag: 'v1', fsLayers: [], history: []}),
      11,
      dockerSchema1Signed,
    ],
    ['M21 schemaVersion 2.0', text.replace('"schemaVersion":2', '"schemaVersion":2.0'), 6],
    ['M21 schemaVersion 20e-1', text.replace('"schemaVersion":2', '"schemaVersion":20e-1'), 6],
    ['M21 schemaVersion 3', changed({schemaVersion: 3}), 6],
    ['M21 schemaVersion a text', changed({schemaVersion: '2'}), 6],
    [
      'M22 M23 an index',
      JSON.stringify({schemaVersion: 2, mediaType: ociIndex, manifests: []}),
      2,
      ociIndex,
    ],
    [
      'M24 M25 a manifest list',
      JSON.stringify({schemaVersion: 2, mediaType: dockerManifestList, manifests: []}),
      2,
      dockerManifestList,
    ],
    [
      'M26 an artifact',
      changed({config: {mediaType: 'application/vnd.oci.empty.v1+json', digest, size: 2}}),
      11,
    ],
    ['M28 size -1', withLayer({size: -1}), 6],
    ['M28 size 1.5', withLayer({size: 1.5}), 6],
    ['M28 size 2^63', text.replace(/"size":\d+/, '"size":9223372036854775808'), 6],
    ['M28 size a text', withLayer({size: '12'}), 6],
    ['M29 digest in upper case', withLayer({digest: digest.toUpperCase()}), 6],
    ['M29 digest md5', withLayer({digest: 'md5:d41d8cd98f00b204e9800998ecf8427e'}), 6],
    ['M29 digest a path', withLayer({digest: 'sha256:../../etc/passwd'}), 6],
    ['M29 digest missing', withLayer({digest: undefined}), 6],
    ['M30 no layers, for a config that has some', changed({layers: []}), 6],
    ['M32 a zstd layer', withLayer({mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd'}), 0],
    [
      'M33 a foreign layer',
      withLayer({
        mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
        urls: ['https://evil.example/'],
      }),
      0,
    ],
    [
      'M34 an encrypted layer',
      withLayer({mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip+encrypted'}),
      0,
    ],
    ['M36 a subject', changed({subject: manifest.config}), 0],
  ]
  for (const [title, bytes, expected, mediaType] of rows) {
    it(`${title}: exit ${expected}`, async () => {
      const folder = await tempDir()
      const result = await updated(
        folder,
        writeLayout(folder, bytes, [sound.configBytes], mediaType),
      )
      expect(result.exitCode, result.stderr).toBe(expected)
      if (expected !== 0) expect(result.stderr).toMatch(/^inject: [^\n]{10,600}$/)
    })
  }

  const recipes: [string, ImageRecipe, number][] = [
    ['M27 Docker schema 2', {family: 'docker'}, 0],
    ['M31 W6 128 layers', {layers: 128}, 10],
    ['M31 W6 2,000 layers', {layers: 2000}, 10],
    [
      'M35 data in the config descriptor',
      {
        manifestMembers: {
          config: {...manifest.config, data: Buffer.from(sound.configBytes).toString('base64')},
        },
      },
      0,
    ],
    ['C1 Labels null', {labels: null}, 0],
    ['C2 config missing', {configMembers: {config: undefined}}, 0],
    ['C3 config null', {configMembers: {config: null}}, 0],
    ['C4 container_config', {containerConfig: {Labels: null}}, 0],
    ['C4 container_config null', {containerConfig: null}, 0],
    ['C5 history missing', {history: undefined}, 0],
    ['C5 history null', {history: null}, 0],
    ['C5 history shorter than layers', {history: [{created_by: 'one'}]}, 0],
    ['C5 history longer than layers', {history: [{}, {}, {}]}, 0],
    ['C6 all of the history empty', {history: [{empty_layer: true}, {empty_layer: true}]}, 0],
    ['C7 rootfs missing', {configMembers: {rootfs: undefined}}, 6],
    ['C8 rootfs.type', {configMembers: {rootfs: {type: 'blocks', diff_ids: [digest, digest]}}}, 6],
    ['C9 a diff ID too few', {configMembers: {rootfs: {type: 'layers', diff_ids: [digest]}}}, 6],
    [
      'C10 one diff ID twice',
      {configMembers: {rootfs: {type: 'layers', diff_ids: [digest, digest]}}},
      0,
    ],
    ['C11 a label for a diff ID that is not there', {labels: {cvmfs_injection_tar: digest}}, 11],
    ['C15 any text', {configMembers: {author: "it's é 😀 \u0000 \n"}}, 0],
    [
      'C17 C23 unknown members',
      {configMembers: {'moby.buildkit.cache.v0': 'e30=', 10: 1, 9: 2}},
      0,
    ],
    ['C19 created missing', {created: undefined}, 0],
    ['C19 created in year 0', {created: '0000-01-01T00:00:00Z'}, 0],
    ['C22 windows', {configMembers: {os: 'windows', 'os.version': '10.0.1'}}, 0],
    ['A4 Rootfs beside rootfs', {configMembers: {Rootfs: {type: 'layers', diff_ids: []}}}, 6],
    ['A4 entrypoint for Go', {configMembers: {config: {entrypoint: ['/evil']}}}, 6],
    ['A4 labels in small letters', {labels: {a: 'b'}, configMembers: {config: {labels: {}}}}, 6],
    ['A4 labels like members', {labels: {Env: 'a', env: 'b', entrypoint: 'c'}}, 0],
    ['C24 an odd user', {configMembers: {config: {User: '4294967296:0'}}}, 0],
  ]
  for (const [title, recipe, expected] of recipes) {
    it(`${title}: exit ${expected}`, async () => {
      const folder = await tempDir()
      const documents = makeDocuments(recipe)
      const {mediaType} = documents.manifest.descriptor
      const result = await updated(
        folder,
        writeLayout(folder, documents.manifest.bytes, [documents.configBytes], mediaType),
      )
      expect(result.exitCode, result.stderr).toBe(expected)
    })
  }

  it('C20 a config beyond 4 MiB, C21 a config that is not the one named: exit 10, 6', async () => {
    const folder = await tempDir()
    const large = makeDocuments({configMembers: {x: ' '.repeat(4 * 1024 * 1024)}})
    expect(
      await updated(folder, writeLayout(folder, large.manifest.bytes, [large.configBytes])),
    ).toMatchObject({exitCode: 10})
    const other = join(folder, 'other')
    mkdirSync(other)
    const image = writeLayout(other, text, [])
    const bytes = Buffer.from(sound.configBytes)
    bytes[20] = 0x20
    writeFileSync(join(other, 'images/blobs/sha256', hexOf(digestOf(sound.configBytes))), bytes)
    expect(await updated(other, image)).toMatchObject({exitCode: 6})
    // the command itself says the same
    const args = ['update', image, join(other, 'tree'), '-q']
    expect(await inject(args)).toEqual({...(await updated(other, image)), stdout: ''})
  })
})

describe('references', () => {
  const rows: [string, string][] = [
    ['R5', 'host:99999/x'],
    ['R6', ':tag'],
    ['R7', 'x:'],
    ['R8', 'x@'],
    ['R10', 'x@sha256:short'],
    ['R11', 'registry.example/Foo'],
    ['R12', 'a//b'],
    ['R13', 'a/../b'],
    ['R14', `x:${'t'.repeat(129)}`],
    ['R15', 'x:-x'],
    ['R16', `registry.example/${'a'.repeat(256)}`],
    ['R17', 'http://host/x'],
    ['R19', 'a b'],
    ['R19', 'a\nb'],
    ['R20', 'a___b'],
    ['R21', ''],
  ]
  for (const [title, reference] of rows) {
    it(`${title} ${JSON.stringify(reference).slice(0, 40)}: exit 2`, async () => {
      const result = await inject(['inspect', reference, '-q'])
      expect(result).toMatchObject({exitCode: 2, stdout: ''})
      expect(result.stderr).toMatch(/^inject: [^\n]+$/)
    })
  }

  it('R24 credentials in a reference are refused and not repeated', async () => {
    const result = await inject(['inspect', 'user:s3cret@registry.example/x', '--debug'])
    expect(result.exitCode).toBe(2)
    expect(`${result.stdout}${result.stderr}`).not.toContain('s3cret')
  })
})
