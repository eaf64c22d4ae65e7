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

interface Index {
  readonly annotations?: Readonly<Record<string, string>>
  readonly manifests: readonly {readonly digest: string}[]
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
  const index = async (tag: string) => (await get(`manifests/${tag}`)) as Index
  return {image: `${address}/team/app`, tree, configs, index}
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

it('W27 a health check, and nothing is left of what is taken back', async () => {
  const {image, tree, configs} = await start()
  await injectJson(['update', `${image}:v1`, tree, '-p', 'all', '-t', 'base'])
  const other = ['-p', 'all', '--name', 'other', '--path', '/other']
  const check = ['--healthcheck', '--interval=5s --retries=2 CMD ["curl","-f","/"]']
  const sets = ['--volume', '/data', '--expose', '80', '--annotation', 'org.example.a=b']
  const run = ['update', `${image}:base`, tree, ...other, ...check, ...sets, '-t', 'v2']
  await injectJson(run)
  for (const {config} of await configs('v2')) {
    expect(config['Healthcheck']).toEqual({
      Test: ['CMD', 'curl', '-f', '/'],
      Interval: 5_000_000_000,
      Retries: 2,
    })
  }
  const again = await injectJson(['update', `${image}:v2`, tree, ...other, ...check, ...sets])
  expect(again).toMatchObject({changed: false})
  const before = await configs('base')
  await injectJson(['remove', `${image}:v2`, '-p', 'all', '--name', 'other'])
  for (const [at, {config}] of (await configs('v2')).entries()) {
    for (const member of ['Healthcheck', 'Volumes', 'ExposedPorts'])
      expect(config).not.toHaveProperty(member)
    expect(config).toEqual(before[at]?.config)
  }
})

it('W27 an annotation of the index is set there, and taken back with the slot', async () => {
  const {image, tree, index} = await start()
  await injectJson(['update', `${image}:v1`, tree, '-p', 'all', '-t', 'base'])
  const other = ['-p', 'all', '--name', 'other', '--path', '/other']
  const say = ['--annotation', 'index:org.example.a=b', '--annotation', 'manifest:org.example.m=n']
  const run = ['update', `${image}:base`, tree, ...other, ...say, '-t', 'v2']
  await injectJson(run)
  const said = await index('v2')
  expect(said.annotations).toMatchObject({'org.example.a': 'b'})
  expect(said.annotations).not.toHaveProperty('org.example.m')
  const again = await injectJson(['update', `${image}:v2`, tree, ...other, ...say])
  expect(again).toMatchObject({changed: false, tags: []})
  // the annotation alone is a change
  const more = ['--annotation', 'index:org.example.a=c', '-t', 'v3']
  const dry = await injectJson(['update', `${image}:v2`, tree, ...other, ...more, '--dry-run'])
  expect(dry).toMatchObject({changed: true, tags: ['v3']})
  const third = await injectJson(['update', `${image}:v2`, tree, ...other, ...more])
  expect(third).toMatchObject({changed: true, tags: ['v3']})
  expect((await index('v3')).annotations).toMatchObject({'org.example.a': 'c'})
  // as long as one image has the slot it stays
  await injectJson(['remove', `${image}:v3`, '-p', 'linux/amd64', '--name', 'other'])
  expect((await index('v3')).annotations).toMatchObject({'org.example.a': 'c'})
  await injectJson(['remove', `${image}:v3`, '-p', 'linux/arm64', '--name', 'other'])
  const left = {...(await index('v3')).annotations}
  // what the run replaced
  delete left['dev.inject.run']
  expect(left).toEqual((await index('base')).annotations)
  const last = await injectJson(['remove', `${image}:v2`, '-p', 'all', '--name', 'other'])
  expect(last).toMatchObject({original: false})
  const all = await injectJson(['remove', `${image}:v2`, '-p', 'all'])
  expect(all).toMatchObject({original: true})
})

it.each<[string, 'oci' | 'docker', readonly string[]]>([
  ['an image of an index by its digest', 'oci', []],
  ["a list in Docker's format", 'docker', ['-p', 'all']],
])('W27 %s has no index to annotate', async (_, family, flags) => {
  const {image, tree, index} = await start(family)
  const one = (await index('v1')).manifests[0]?.digest ?? ''
  const name = flags.length > 0 ? `${image}:v1` : `${image}@${one}`
  const run = ['update', name, tree, ...flags, '-t', 'v2', '--annotation', 'index:a=b']
  const result = await inject(run)
  expect(result.exitCode, result.stderr).toBe(11)
  expect(result.stderr).toMatch(/annotat/)
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
  [['--annotation', 'index-descriptor:a=b'], 2],
  [['--annotation', 'index:dev.inject.base=b'], 2],
  [['--healthcheck', 'curl'], 2],
])('%j is refused', async (flags, exitCode) => {
  const {image, tree} = await start('docker')
  const result = await inject(['update', `${image}:v1`, tree, '-p', 'all', ...flags])
  expect(result.exitCode, result.stderr).toBe(exitCode)
  expect(result.stderr).toMatch(/^inject: [^\n]+$/m)
})
