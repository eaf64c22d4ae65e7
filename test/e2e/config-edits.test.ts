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

it('what the image has is unset, and ports, volumes and the stop signal are set', async () => {
  const {image, tree, configs} = await start()
  const set = ['--env', 'A=1', '--env', 'B=2', '--label', 'x=1', '--expose', '443']
  await injectJson(['update', `${image}:v1`, tree, '-p', 'all', ...set, '-t', 'base'])
  const other = ['-p', 'all', '--name', 'other', '--path', '/other']
  const edits = ['--unset-env', 'A', '--unset-label', 'x', '--expose', '80', '--expose', '53/udp']
  const more = ['--volume', '/data', '--stop-signal', 'SIGINT', '--env', 'C=3']
  const run = ['update', `${image}:base`, tree, ...other, ...edits, ...more, '-t', 'v2']
  await injectJson(run)
  for (const {config} of await configs('v2')) {
    expect(config).toMatchObject({
      ExposedPorts: {'443/tcp': {}, '80/tcp': {}, '53/udp': {}},
      Volumes: {'/data': {}},
      StopSignal: 'SIGINT',
    })
    expect(config['Env']).toEqual(expect.arrayContaining(['B=2', 'C=3']))
    expect(config['Env']).not.toContain('A=1')
    expect(config['Labels']).not.toHaveProperty('x')
  }
  const again = await injectJson(['update', `${image}:v2`, tree, ...other, ...edits, ...more])
  expect(again).toMatchObject({changed: false})
  await injectJson(['remove', `${image}:v2`, '-p', 'all', '--name', 'other'])
  for (const {config} of await configs('v2')) {
    expect([...(config['Env'] as string[])].sort()).toEqual(expect.arrayContaining(['A=1', 'B=2']))
    expect(config['Env']).not.toContain('C=3')
    expect(config['Labels']).toMatchObject({x: '1'})
    expect(config['ExposedPorts']).toEqual({'443/tcp': {}})
    expect(config['Volumes'] ?? {}).toEqual({})
    expect(config).not.toHaveProperty('StopSignal')
  }
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
  [['--cmd', '/bin/sh -c true'], 2],
  [['--entrypoint', '/bin/sh -c true'], 2],
  [['--workdir', 'rel'], 2],
  [['--expose', 'http'], 2],
  [['--env', 'A=b', '--unset-env', 'A'], 2],
  [['--annotation', 'a=b'], 11],
])('%j is refused', async (flags, exitCode) => {
  const {image, tree} = await start('docker')
  const result = await inject(['update', `${image}:v1`, tree, '-p', 'all', ...flags])
  expect(result.exitCode, result.stderr).toBe(exitCode)
  expect(result.stderr).toMatch(/^inject: [^\n]+$/m)
})
