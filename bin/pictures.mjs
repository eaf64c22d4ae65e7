#!/usr/bin/env node
// Makes the pictures of docs/pictures from real runs: an image of the program whose slot holds the
// documentation, and its next version. Run it after `npm run build`.
import {spawnSync} from 'node:child_process'
import {appendFileSync, cpSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {packLayer} from '../dist/src/layer/pack/pack.js'
import {walk} from '../dist/src/layer/tree/walk.js'
import {openLayoutStore} from '../dist/src/store/layout/layout-store.js'

const here = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const created = '2026-01-01T00:00:00Z'

function inject(folder, ...args) {
  const options = {cwd: folder, encoding: 'utf8', timeout: 120_000}
  const {status, stderr} = spawnSync(process.execPath, [here('bin/run.js'), ...args], options)
  // 20: something differs
  if (status !== 0 && status !== 20) throw new Error(`inject ${args.join(' ')}: ${stderr}`)
}

/** An image as a builder makes it: a layer for each of these folders. */
async function makeBaseImage(layout) {
  const store = await openLayoutStore(layout, {create: true})
  const layers = []
  for (const [from, path] of [
    ['node_modules/@oclif', '/usr/lib/oclif'],
    ['dist/src', '/usr/lib/inject'],
    ['ci', '/usr/share/inject/ci'],
  ]) {
    const layer = packLayer(() => walk(here(from), {path, owner: {uid: 0, gid: 0}}))
    const blob = await store.putBlob(layer)
    layers.push({blob, diffId: layer.content().diffId, by: `COPY ${from} ${path}`})
  }
  const config = {
    created,
    architecture: 'amd64',
    os: 'linux',
    rootfs: {type: 'layers', diff_ids: layers.map(({diffId}) => diffId)},
    history: layers.map(({by}) => ({created, created_by: by})),
  }
  const bytes = Buffer.from(JSON.stringify(config))
  const {digest, size} = await store.putBlob({
    open: async function* () {
      yield bytes
    },
  })
  const type = 'application/vnd.oci.image'
  const manifest = {
    schemaVersion: 2,
    mediaType: `${type}.manifest.v1+json`,
    config: {mediaType: `${type}.config.v1+json`, digest, size},
    layers: layers.map(({blob}) => ({mediaType: `${type}.layer.v1.tar+gzip`, ...blob})),
  }
  await store.putManifest(Buffer.from(JSON.stringify(manifest)), manifest.mediaType, {
    tags: [{tag: 'v1', from: undefined}],
  })
  await store.close()
}

const folder = mkdtempSync(join(tmpdir(), 'inject-pictures-'))
try {
  await makeBaseImage(join(folder, 'app'))
  const tree = join(folder, 'tree')
  // without the pictures that this makes
  cpSync(here('docs'), tree, {recursive: true, filter: (path) => !path.endsWith('/pictures')})
  const flags = ['--name', 'docs', '--path', '/srv/docs', '--owner', '0:0', '--created', created]
  inject(folder, 'update', 'oci:app:v1', './tree', ...flags)
  rmSync(join(tree, 'adr'), {recursive: true})
  rmSync(join(tree, 'fleet.schema.json'))
  for (const name of ['serve.md', 'guides/ci.md', 'performance.md'])
    appendFileSync(join(tree, name), 'One more line.\n')
  writeFileSync(join(tree, 'changes.md'), 'What is new. '.repeat(3000))
  cpSync(here('LICENSE'), join(tree, 'LICENSE'))
  inject(folder, 'update', 'oci:app:v1', './tree', ...flags, '--tag', 'v2')
  inject(folder, 'inspect', 'oci:app:v2', '--svg', here('docs/pictures/inspect.svg'))
  inject(folder, 'diff', 'oci:app:v1', 'oci:app:v2', '--svg', here('docs/pictures/diff.svg'))
} finally {
  rmSync(folder, {recursive: true, force: true})
}
