import {createHash} from 'node:crypto'
import {mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {gzipSync} from 'node:zlib'
import {inject, injectJson} from '../support/cli.js'
import {openRegistry} from '../support/open-registry.js'
import {bytesSource} from '../support/layout-image.js'
import {serveRegistry} from '../support/served-registry.js'
import {digestOf} from '../../src/oci/digest.js'
import {ociConfig, ociLayer, ociManifest} from '../../src/oci/media-type.js'
import {tempDir} from '../support/temp-dir.js'

const sha512 = (bytes: Uint8Array): string => createHash('sha512').update(bytes).digest('hex')

/** The documents and blobs of an image that knows nothing but sha512. */
function makeParts() {
  const tar = Buffer.alloc(1024)
  const layer = gzipSync(tar)
  const name = (bytes: Uint8Array, mediaType: string) => ({
    mediaType,
    digest: `sha512:${sha512(bytes)}`,
    size: bytes.length,
  })
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      rootfs: {type: 'layers', diff_ids: [`sha512:${sha512(tar)}`]},
      history: [{created_by: 'base'}],
    }),
  )
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: ociManifest,
      config: name(config, ociConfig),
      layers: [name(layer, `${ociLayer}+gzip`)],
    }),
  )
  return {layer, config, manifest, descriptor: name(manifest, ociManifest)}
}

async function makeTree(): Promise<string> {
  const tree = join(await tempDir(), 'tree')
  mkdirSync(join(tree, 'cvmfs'), {recursive: true})
  writeFileSync(join(tree, 'cvmfs/file'), 'content')
  return tree
}

/** Through all commands, and back to where it began. */
async function goThrough(image: string, original: string): Promise<void> {
  const tree = await makeTree()
  await injectJson(['setup', image])
  for (const content of ['one', 'two', 'three']) {
    writeFileSync(join(tree, 'cvmfs/file'), content)
    const flags = content === 'two' ? ['--parents', 'base', '--compression', 'zstd'] : []
    const changed = await injectJson(['update', image, tree, ...flags])
    expect(changed).toMatchObject({changed: true})
    const inspected = await injectJson(['inspect', image])
    expect(inspected['digest']).toBe(changed['digest'])
    expect(await injectJson(['update', image, tree, ...flags])).toMatchObject({
      changed: false,
      tags: [],
    })
    const out = join(await tempDir(), 'out')
    await injectJson(['unpack', image, out])
    expect(readFileSync(join(out, 'cvmfs/file'), 'utf8')).toBe(content)
  }
  expect(await injectJson(['remove', image])).toMatchObject({original: true, digest: original})
}

it('a layout of nothing but sha512 stays one', async () => {
  const layout = join(await tempDir(), 'layout')
  const {layer, config, manifest, descriptor} = makeParts()
  mkdirSync(join(layout, 'blobs/sha512'), {recursive: true})
  for (const bytes of [layer, config, manifest])
    writeFileSync(join(layout, 'blobs/sha512', sha512(bytes)), bytes)
  writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  const tagged = {...descriptor, annotations: {'org.opencontainers.image.ref.name': 'v1'}}
  writeFileSync(join(layout, 'index.json'), JSON.stringify({schemaVersion: 2, manifests: [tagged]}))
  await goThrough(`oci:${layout}:v1`, descriptor.digest)
  const index = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as {
    manifests: {digest: string; annotations?: object}[]
  }
  expect(index.manifests.every(({digest}) => digest.startsWith('sha512:'))).toBe(true)
  const tagged512 = index.manifests.filter(({annotations}) => annotations !== undefined)
  expect(tagged512.map(({digest}) => digest)).toEqual([descriptor.digest])
  expect(readdirSync(join(layout, 'blobs/sha512')).length).toBeGreaterThan(3)
  const checked = await inject(['inspect', `oci:${layout}@${descriptor.digest}`])
  expect(checked.exitCode, checked.stderr).toBe(0)
})

it('in a registry config and layers stay under sha512; the manifest is what the registry says', async () => {
  const {address} = await serveRegistry()
  const {store} = openRegistry(address)
  const {layer, config, manifest} = makeParts()
  for (const bytes of [layer, config]) {
    const expected = {digest: digestOf(bytes, 'sha512'), size: bytes.length}
    await store.putBlob(bytesSource(bytes), {expected})
  }
  const tags = [{tag: 'v1', from: undefined}]
  const {digest} = await store.putManifest(manifest, ociManifest, {tags})
  await goThrough(`${address}/team/app:v1`, digest)
})
