import {execa} from 'execa'
import {linkSync, mkdirSync, readFileSync, utimesSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {gunzipSync} from 'node:zlib'
import {createTarReader} from '../../src/layer/tar/reader.js'
import type {Entry} from '../../src/layer/entry.js'
import {inject, injectJson} from '../support/cli.js'
import {collect, openRegistry} from '../support/open-registry.js'
import {makeEntry, putImage} from '../support/put-image.js'
import {send, serveRegistry} from '../support/served-registry.js'
import {tempDir} from '../support/temp-dir.js'

const foreign = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'

/** As Microsoft's images are: a base layer that registries do not hold, and one that they do. */
async function start() {
  const {address} = await serveRegistry()
  const {store} = openRegistry(address)
  await putImage(store, {
    family: 'docker',
    config: {os: 'windows', 'os.version': '10.0.20348.1', config: {Cmd: ['cmd.exe']}},
    layers: [
      {missing: true, mediaType: foreign, urls: ['https://vendor.test/base']},
      {entries: [makeEntry('Files/'), makeEntry('Hives/'), makeEntry('Files/app.exe')]},
    ],
  })
  const tree = join(await tempDir(), 'tree')
  mkdirSync(join(tree, 'data/sub'), {recursive: true})
  writeFileSync(join(tree, 'data/file'), 'content')
  linkSync(join(tree, 'data/file'), join(tree, 'data/sub/same'))
  for (const path of ['data/file', 'data/sub', 'data']) utimesSync(join(tree, path), 1e9, 1e9)
  const entriesOf = async (tag: string) => {
    const manifest = (await send(address, 'GET', `/v2/team/app/manifests/${tag}`)).json() as {
      layers: {digest: never; size: number}[]
      config: {digest: never; size: number}
    }
    const blob = gunzipSync(await collect(await store.openBlob(manifest.layers.at(-1)!)))
    const config = JSON.parse(
      (await collect(await store.openBlob(manifest.config))).toString(),
    ) as object
    return {entries: readEntries(blob), config, layers: manifest.layers}
  }
  return {image: `${address}/team/app`, tree, entriesOf}
}

function readEntries(tar: Buffer): Entry[] {
  const entries: Entry[] = []
  const handler = {entry: (entry: Entry) => void entries.push(entry), data() {}, entryEnd() {}}
  const reader = createTarReader(handler, {entries: 100})
  reader.write(tar)
  reader.end()
  return entries
}

it('C22 the layer of a Windows image, entry by entry', async () => {
  const {image, tree, entriesOf} = await start()
  await injectJson(['update', `${image}:v1`, tree, '--owner', '0:0', '-t', 'v2'])
  const {entries, config, layers} = await entriesOf('v2')
  const own = {mode: 0o755, uid: 0, gid: 0, xattrs: undefined}
  const time = {mtime: 1e9}
  expect(entries).toEqual([
    {kind: 'directory', path: 'Hives/', ...own, mtime: 0},
    {kind: 'directory', path: 'Files/', ...own, mtime: 0},
    {kind: 'directory', path: 'Files/data/', ...own, ...time},
    {kind: 'file', path: 'Files/data/file', size: 7, ...own, mode: 0o644, ...time},
    {kind: 'directory', path: 'Files/data/sub/', ...own, ...time},
    {
      kind: 'hardlink',
      path: 'Files/data/sub/same',
      target: 'Files/data/file',
      ...own,
      mode: 0o644,
      ...time,
    },
  ])
  expect(config).toMatchObject({os: 'windows', 'os.version': '10.0.20348.1'})
  expect(layers).toHaveLength(3)
  expect(layers[0]).toMatchObject({mediaType: foreign, urls: ['https://vendor.test/base']})
})

it('a slot with a path has every directory that leads there; unpack gives the directory back, update changes nothing', async () => {
  const {image, tree, entriesOf} = await start()
  const path = ['--path', '/opt/models/a']
  await injectJson(['setup', `${image}:v1`, ...path])
  expect((await entriesOf('v1')).entries.map((entry) => entry.path)).toEqual([
    'Hives/',
    'Files/',
    'Files/opt/',
    'Files/opt/models/',
    'Files/opt/models/a/',
  ])
  for (const tag of ['v1', 'v2']) {
    await injectJson([
      'update',
      `${image}:v1`,
      tree,
      '-t',
      tag,
      ...(tag === 'v1' ? [] : ['--path', '/']),
    ])
    const out = join(await tempDir(), 'out')
    const result = await injectJson(['unpack', `${image}:${tag}`, out])
    expect(result).toMatchObject({slot: {path: tag === 'v1' ? '/opt/models/a' : '/'}})
    expect((await execa('diff', ['-r', tree, out])).stdout).toBe('')
    expect(readFileSync(join(out, 'data/sub/same'), 'utf8')).toBe('content')
    const again = await injectJson(['update', `${image}:${tag}`, out, '--parents', 'omit'])
    expect(again).toMatchObject({changed: false})
  }
})

it('an empty slot unpacks to an empty directory; what is outside of Files is refused', async () => {
  const {image} = await start()
  await injectJson(['setup', `${image}:v1`])
  const out = join(await tempDir(), 'out')
  await injectJson(['unpack', `${image}:v1`, out])
  const {address} = await serveRegistry()
  const {store} = openRegistry(address)
  const entries = ['Hives/', 'Files/', 'Files/a', 'UtilityVM/', 'UtilityVM/x'].map((name) =>
    makeEntry(name),
  )
  await putImage(store, {
    config: {os: 'windows'},
    layers: [{entries, mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip'}],
    tag: 'bad',
  })
  const {layers, config} = (await send(address, 'GET', '/v2/team/app/manifests/bad')).json() as {
    layers: {digest: never; size: number}[]
    config: {digest: never; size: number}
  }
  const text = JSON.parse((await collect(await store.openBlob(config))).toString()) as {
    rootfs: {diff_ids: string[]}
  }
  expect(layers).toHaveLength(1)
  await putImage(store, {
    config: {os: 'windows'},
    labels: {cvmfs_injection_tar: text.rootfs.diff_ids[0]!},
    layers: [{entries}],
    tag: 'bad',
  })
  const refused = await inject(['unpack', `${address}/team/app:bad`, join(await tempDir(), 'out')])
  expect([refused.exitCode, refused.stderr]).toEqual([8, expect.stringContaining('UtilityVM')])
})
