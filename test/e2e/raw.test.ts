import {execa} from 'execa'
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {digestOf} from '../../src/oci/digest.js'
import {openLayoutStore} from '../../src/store/layout/layout-store.js'
import {inject, injectJson} from '../support/cli.js'
import {makeLayoutImage} from '../support/layout-image.js'
import {putIndex} from '../support/layout-index.js'
import {listed, openRegistry} from '../support/open-registry.js'
import {serveRegistry} from '../support/served-registry.js'
import {tempDir} from '../support/temp-dir.js'

/** An image in a layout, with the files that its parts are. */
async function someImage() {
  const folder = await tempDir()
  const image = await makeLayoutImage(folder)
  const blob = (digest: string) =>
    readFileSync(join(folder, 'images/blobs', digest.replace(':', '/')))
  const {stdout: digest} = await inject(['digest', image])
  return {folder, image, digest, blob}
}

it('digest prints what a tag names', async () => {
  const {image, digest, blob} = await someImage()
  expect(digest).toBe(digestOf(blob(digest)))
  const document = await injectJson(['digest', image])
  expect(document).toMatchObject({digest, size: blob(digest).length})
})

it('manifest, config and blob print what is stored, byte for byte', async () => {
  const {image, digest, blob} = await someImage()
  const manifest = await inject(['manifest', image])
  expect(manifest).toMatchObject({exitCode: 0, stdout: blob(digest).toString()})
  const {config, layers} = JSON.parse(manifest.stdout) as {
    config: {digest: string}
    layers: {digest: string}[]
  }
  expect((await inject(['config', image])).stdout).toBe(blob(config.digest).toString())
  const layer = layers[0]!.digest
  const {stdout} = await execa(process.execPath, ['bin/run.js', 'blob', image, layer], {
    encoding: 'buffer',
  })
  expect(Buffer.from(stdout).equals(blob(layer))).toBe(true)
})

it('of an index, manifest prints the index, and with a platform the image', async () => {
  const directory = join(await tempDir(), 'layout')
  const store = await openLayoutStore(directory, {create: true})
  await putIndex(store, {platforms: ['linux/amd64', 'linux/arm64/v8']})
  const image = `oci:${directory}:v1`
  const digest = await store.statManifest('v1')
  const index = JSON.parse((await inject(['manifest', image])).stdout) as {
    manifests: {digest: string; platform: {architecture: string}}[]
  }
  const arm = index.manifests.find(({platform}) => platform.architecture === 'arm64')?.digest
  expect((await inject(['digest', image, '-p', 'linux/arm64'])).stdout).toBe(arm)
  expect((await inject(['digest', image])).stdout).toBe(digest)
  expect(await inject(['config', image])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('linux/arm64') as string,
  })
  const config = await inject(['config', image, '-p', 'linux/arm64'])
  expect(JSON.parse(config.stdout)).toMatchObject({architecture: 'arm64'})
})

it('blob says what is not a digest, and what is not there', async () => {
  const {image} = await someImage()
  expect(await inject(['blob', image, 'v1'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('not a digest: "v1"') as string,
  })
  const absent = digestOf(Buffer.from('absent'))
  expect(await inject(['blob', image, absent])).toMatchObject({
    exitCode: 4,
    stdout: '',
    stderr: expect.stringContaining(absent) as string,
  })
})

it('tag gives an image more tags, and with --no-clobber only free ones', async () => {
  const {address} = await serveRegistry()
  const {image, digest} = await someImage()
  const repository = `${address}/team/app`
  expect(await inject(['cp', image, `${repository}:v1`])).toMatchObject({exitCode: 0})
  const tagged = await inject(['tag', `${repository}:v1`, 'stable', 'latest'])
  expect(tagged).toMatchObject({exitCode: 0, stdout: `${repository}@${digest}`})
  const {store} = openRegistry(address)
  expect(await listed(store.listTags())).toEqual(['latest', 'stable', 'v1'])
  expect(await inject(['tag', `${repository}@${digest}`, 'again'])).toMatchObject({exitCode: 0})
  expect(await store.statManifest('again')).toBe(digest)
  const dry = await inject(['tag', `${repository}:v1`, 'dry', '--dry-run'])
  expect(dry).toMatchObject({exitCode: 0})
  expect(await store.statManifest('dry')).toBeUndefined()

  const other = await makeLayoutImage(await tempDir(), {config: {author: 'someone'}})
  expect(await inject(['cp', other, `${repository}:other`])).toMatchObject({exitCode: 0})
  const clobber = ['tag', `${repository}:other`, 'stable', '--no-clobber']
  expect(await inject(clobber)).toMatchObject({exitCode: 7})
  expect(await store.statManifest('stable')).toBe(digest)
})

it.each([
  ['cp', 'copy'],
  ['rm', 'remove'],
])('%s is %s', async (alias, name) => {
  const [one, other] = await Promise.all([inject([alias, '--help']), inject([name, '--help'])])
  expect(one).toMatchObject({exitCode: 0, stderr: ''})
  expect(one.stdout.split('\n')[0]).toBe(other.stdout.split('\n')[0])
})
