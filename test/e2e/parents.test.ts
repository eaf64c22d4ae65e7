import {execa} from 'execa'
import {chmodSync, linkSync, lstatSync, mkdirSync, statSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {inject, injectJson} from '../support/cli.js'
import {putIndex} from '../support/layout-index.js'
import {openRegistry} from '../support/open-registry.js'
import {makeEntry, putImage, type PutLayer} from '../support/put-image.js'
import {skopeoCopy} from '../support/busybox-image.js'
import {serveRegistry} from '../support/served-registry.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'

const layers: readonly PutLayer[] = [
  {entries: [makeEntry('opt/', {mode: 0o751, uid: 3, gid: 4}), makeEntry('tmp/', {mode: 0o755})]},
  {entries: [makeEntry('tmp/', {mode: 0o1777, mtime: 1_234_567_890})]},
]

async function start() {
  const served = await serveRegistry()
  const {store} = openRegistry(served.address)
  await putImage(store, {layers})
  const tree = join(await tempDir(), 'tree')
  mkdirSync(join(tree, 'tmp'), {recursive: true})
  mkdirSync(join(tree, 'opt/new'), {recursive: true})
  writeFileSync(join(tree, 'tmp/x'), 'content')
  linkSync(join(tree, 'tmp/x'), join(tree, 'opt/new/same'))
  chmodSync(join(tree, 'tmp'), 0o700)
  chmodSync(join(tree, 'opt/new'), 0o711)
  return {...served, store, image: `${served.address}/team/app`, tree}
}

/** What umoci makes of an image: mode, owner and time of paths in it. */
async function rootOf(image: string) {
  const folder = await tempDir()
  await skopeoCopy(`docker://${image}`, `oci:${folder}/layout:x`)
  await execa('umoci', ['unpack', '--image', `${folder}/layout:x`, `${folder}/bundle`])
  return (path: string) => {
    const {mode, uid, gid, mtimeMs} = statSync(join(folder, 'bundle/rootfs', path))
    return [(mode & 0o7777).toString(8), uid, gid, mtimeMs / 1000] as const
  }
}

describeWith(['umoci', 'skopeo'], '--parents', () => {
  it('base: /tmp stays 1777, other directories as they are in the image, new ones as in DIR', async () => {
    const {image, tree} = await start()
    const flags = ['--parents', 'base', '--owner', '9:9', '-t', 'v2']
    await injectJson(['update', `${image}:v1`, tree, ...flags])
    const at = await rootOf(`${image}:v2`)
    expect(at('tmp')).toEqual(['1777', 0, 0, 1_234_567_890])
    expect(at('opt')).toEqual(['751', 3, 4, 1_000_000_000])
    expect(at('opt/new').slice(0, 3)).toEqual(['711', 9, 9])
    expect(at('tmp/x').slice(1, 3)).toEqual([9, 9])

    const again = ['update', `${image}:v2`, tree, ...flags]
    expect(await injectJson(again)).toMatchObject({changed: false, tags: []})
    const out = join(await tempDir(), 'out')
    await injectJson(['unpack', `${image}:v2`, out])
    expect(lstatSync(join(out, 'tmp')).mode & 0o7777).toBe(0o1777)
    expect(await injectJson(['update', `${image}:v2`, out, ...flags])).toMatchObject({
      changed: false,
    })
  })

  it('dir, which is the default: as in DIR', async () => {
    const {image, tree} = await start()
    await injectJson(['update', `${image}:v1`, tree])
    const at = await rootOf(`${image}:v1`)
    expect(at('tmp')[0]).toBe('700')
  })

  it('omit: no entry for what the image has', async () => {
    const {image, tree} = await start()
    const all = await injectJson(['update', `${image}:v1`, tree, '--dry-run'])
    const result = await injectJson(['update', `${image}:v1`, tree, '--parents', 'omit'])
    const entries = ({layer}: Record<string, unknown>) => (layer as {entries: number}).entries
    expect(entries(result)).toBe(entries(all) - 2)
    const at = await rootOf(`${image}:v1`)
    expect([at('tmp')[0], at('opt')[0], at('opt/new')[0]]).toEqual(['1777', '751', '711'])
    expect(await injectJson(['update', `${image}:v1`, tree, '--parents', 'omit'])).toMatchObject({
      changed: false,
    })
  })

  it('setup: the directory of a slot at a path that the image has', async () => {
    const {image} = await start()
    await injectJson(['setup', `${image}:v1`, '--path', '/tmp', '--parents', 'base'])
    expect((await rootOf(`${image}:v1`))('tmp')[0]).toBe('1777')
  })
})

it('layers are read newest first, and no more of them than needed', async () => {
  const {image, tree, records, store} = await start()
  await putImage(store, {layers: [...layers, {entries: [makeEntry('tmp/'), makeEntry('opt/')]}]})
  const single = join(tree, '../single')
  mkdirSync(join(single, 'tmp'), {recursive: true})
  const from = records.length
  await injectJson(['update', `${image}:v1`, single, '--parents', 'base'])
  const blobs = records
    .slice(from)
    .filter(({target, method}) => method === 'GET' && target.includes('/blobs/'))
  // the config, and the newest layer
  expect(blobs).toHaveLength(2)
})

it('each image of an index has its own directories, and equal ones share a layer', async () => {
  const {image, tree, store, records} = await start()
  await putIndex(store, {platforms: ['linux/amd64', 'linux/arm64', 'linux/386']})
  const shared = ['base-amd64', 'tmp']
  for (const name of shared) mkdirSync(join(tree, name), {recursive: true, mode: 0o700})
  const from = records.length
  const result = await injectJson(['update', `${image}:v1`, tree, '-p', 'all', '--parents', 'base'])
  const [amd64, arm64, i386] = (result['images'] as {layer: {diffId: string}}[]).map(
    ({layer}) => layer.diffId,
  )
  expect(arm64).toBe(i386)
  expect(amd64).not.toBe(arm64)
  const uploads = records
    .slice(from)
    .filter(({method, target}) => method === 'POST' && target.includes('/uploads/'))
  // two layers and three configs
  expect(uploads).toHaveLength(5)
})

it('W8 a base layer that is broken is said, by its number, and with --strict an error', async () => {
  const {image, tree, store} = await start()
  await putImage(store, {layers: [{blob: Buffer.from('no layer at all')}], tag: 'bad'})
  const command = ['update', `${image}:bad`, tree, '--parents', 'base']
  const before = await store.statManifest('bad')
  const strict = await inject([...command, '--strict'])
  expect(strict.exitCode, strict.stderr).toBe(6)
  expect(await store.statManifest('bad')).toEqual(before)
  const {exitCode, stderr} = await inject(command)
  expect(exitCode, stderr).toBe(0)
  expect(stderr).toMatch(
    /warning: layer 1 \(sha256:[0-9a-f]{64}\) is corrupt: [^\n]*: it cannot be looked into/,
  )
})
