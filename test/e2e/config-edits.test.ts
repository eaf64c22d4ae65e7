import {mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {inject, injectJson} from '../support/cli.js'
import {putIndex} from '../support/layout-index.js'
import {openRegistry} from '../support/open-registry.js'
import {send, serveRegistry} from '../support/served-registry.js'
import {tempDir} from '../support/temp-dir.js'

interface Config {
  readonly config: Readonly<Record<string, unknown>>
}

async function start(family: 'oci' | 'docker' = 'oci') {
  const {address} = await serveRegistry()
  const {store} = openRegistry(address)
  await putIndex(store, {family, platforms: ['linux/amd64', 'linux/arm64']})
  const tree = join(await tempDir(), 'tree')
  mkdirSync(tree)
  writeFileSync(join(tree, 'file'), 'content')
  const get = async (path: string) => (await send(address, 'GET', `/v2/team/app/${path}`)).json()
  const configs = async (tag: string) => {
    const {manifests} = (await get(`manifests/${tag}`)) as {manifests: {digest: string}[]}
    const found: Config[] = []
    for (const {digest} of manifests) {
      const {config} = (await get(`manifests/${digest}`)) as {config: {digest: string}}
      found.push((await get(`blobs/${config.digest}`)) as Config)
    }
    return found
  }
  return {image: `${address}/team/app`, tree, configs}
}

it('edits go into every chosen image, and out of it with the slot', async () => {
  const {image, tree, configs} = await start()
  const edits = ['--env', 'PATH=/opt:/bin', '--label', 'x=y=z', '--annotation', 'org.example.a=b']
  const more = ['--entrypoint', '/bin/app', '--workdir', '/w', '--user', '1:2']
  const all = ['-p', 'all']
  await injectJson(['update', `${image}:v1`, tree, ...all, ...edits, ...more, '-t', 'v2'])
  for (const {config} of await configs('v2')) {
    expect(config).toMatchObject({
      Env: ['PATH=/opt:/bin'],
      Entrypoint: ['/bin/app'],
      WorkingDir: '/w',
      User: '1:2',
    })
    expect(config).not.toHaveProperty('Cmd')
    expect(config['Labels']).toMatchObject({x: 'y=z'})
  }
  const again = await injectJson(['update', `${image}:v2`, tree, ...all, ...edits, ...more])
  expect(again).toMatchObject({changed: false, tags: []})
  const before = await injectJson(['inspect', `${image}:v1`])
  const removed = await injectJson(['remove', `${image}:v2`, ...all])
  expect(removed).toMatchObject({original: true, digest: before['digest']})
})

it('--dry-run says that only the config would change', async () => {
  const {image, tree} = await start()
  await injectJson(['update', `${image}:v1`, tree, '-p', 'all'])
  const dry = ['update', `${image}:v1`, tree, '-p', 'all', '--env', 'A=b', '--dry-run']
  expect(await injectJson(dry)).toMatchObject({
    changed: true,
    images: [{slot: {action: 'edited'}}, {slot: {action: 'edited'}}],
  })
})

it.each([
  [['--env', 'novalue'], 2],
  [['--label', '=x'], 2],
  [['--cmd', '[1]'], 2],
  [['--cmd', '["a"'], 2],
  [['--annotation', 'a=b'], 11],
])('%j is refused', async (flags, exitCode) => {
  const {image, tree} = await start('docker')
  const result = await inject(['update', `${image}:v1`, tree, '-p', 'all', ...flags])
  expect(result.exitCode, result.stderr).toBe(exitCode)
  expect(result.stderr).toMatch(/^inject: [^\n]+$/m)
})
