import {execa} from 'execa'
import {appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, inject as provided, it} from 'vitest'
import {update} from '../../src/index.js'
import {inject, injectJson} from '../support/cli.js'
import {startDockerRegistry} from '../support/docker-registry.js'
import {recordRequests, type RecordedRequest} from '../support/recording-proxy.js'
import {listed, openRegistry} from '../support/open-registry.js'
import {programPath, serveCommand} from '../support/serve-command.js'
import {serveRegistry} from '../support/served-registry.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'
import {makeTree, putVendor, putVendorIndex} from '../support/vendor.js'

const quiet = {stdio: 'pipe'} as const
type Format = 'oci' | 'docker'

type Build = (folder: string, version: string) => Promise<string>

/**
 * A vendor's image of a version, made by a tool that we did not write, in a layout of its own. It
 * is made once for all tests: they only read it.
 */
type Vendor = (version: string) => Promise<string>

let builds: string
beforeAll(async () => {
  builds = await mkdtemp(join(tmpdir(), 'inject-test-'))
})
afterAll(() => rm(builds, {recursive: true}))

function builtOnce(build: Build): Vendor {
  const built = new Map<string, Promise<string>>()
  return (version) => {
    const image = built.get(version) ?? build(builds, version)
    built.set(version, image)
    return image
  }
}

/** Two layers: one that all versions have, and one of the version. */
const byUmoci = builtOnce(async (folder, version) => {
  const layout = join(folder, `umoci-${version}`)
  await execa('umoci', ['init', '--layout', layout], quiet)
  await execa('umoci', ['new', '--image', `${layout}:v1`], quiet)
  for (const [name, content] of [
    ['etc', 'shared'],
    [`app-${version}`, version],
  ] as const) {
    const tree = join(folder, `${version}-${name}`)
    mkdirSync(join(tree, name), {recursive: true})
    writeFileSync(join(tree, name, 'file'), content)
    await execa('touch', ['-d', '@1600000000', join(tree, name, 'file'), join(tree, name)])
    const args = ['insert', '--rootless', '--image', `${layout}:v1`, join(tree, name), `/${name}`]
    await execa('umoci', args, quiet)
  }
  await execa('umoci', ['config', '--image', `${layout}:v1`, '--config.env', `V=${version}`], quiet)
  return `oci:${layout}:v1`
})

const byBuildah = builtOnce(async (folder, version) => {
  const layout = join(folder, `buildah-${version}`)
  const context = join(folder, `context-${version}`)
  mkdirSync(context)
  writeFileSync(join(context, 'file'), version)
  const lines = ['FROM scratch', `COPY file /app-${version}/file`, `ENV V=${version}`]
  writeFileSync(join(context, 'Containerfile'), lines.join('\n'))
  const storage = ['--root', join(folder, 'root'), '--runroot', join(folder, 'run')]
  const how = [...storage, '--storage-driver', 'vfs']
  const built = [
    'bud',
    '--isolation',
    'chroot',
    '--timestamp',
    '1600000000',
    '-t',
    'vendor',
    context,
  ]
  await execa('buildah', [...how, ...built], quiet)
  await execa('buildah', [...how, 'push', 'vendor', `oci:${layout}:v1`], quiet)
  return `oci:${layout}:v1`
})

async function publish(from: string, address: string, format: Format): Promise<void> {
  const kind = format === 'oci' ? 'oci' : 'v2s2'
  const args = ['copy', '-q', '--insecure-policy', '--dest-tls-verify=false', '--format', kind]
  await execa('skopeo', [...args, from, `docker://${address}/vendor/app:v1`], quiet)
}

/** The files of an image as umoci unpacks it, with their content. */
async function filesOf(image: string): Promise<Readonly<Record<string, string>>> {
  const folder = await tempDir()
  const layout = join(folder, 'layout')
  const copy = ['copy', '-q', '--insecure-policy', '--src-tls-verify=false']
  await execa('skopeo', [...copy, `docker://${image}`, `oci:${layout}:it`], quiet)
  await execa('umoci', ['unpack', '--rootless', '--image', `${layout}:it`, join(folder, 'out')])
  const root = join(folder, 'out/rootfs')
  const names = readdirSync(root, {recursive: true, withFileTypes: true})
  const files = names.filter((entry) => entry.isFile())
  return Object.fromEntries(
    files.map(({parentPath, name}) => {
      const path = join(parentPath, name)
      return [path.slice(root.length), readFileSync(path, 'utf8')]
    }),
  )
}

/**
 * The image is what crane calls well-formed, where `npm run bench -- validate` names a crane. Every
 * layer is read.
 */
async function isValid(image: string): Promise<void> {
  const crane = process.env['INJECT_CRANE']
  if (crane === undefined) return
  await execa(crane, ['validate', '--insecure', '--remote', image], quiet)
  const report = process.env['INJECT_VALIDATE_REPORT']
  if (report !== undefined) appendFileSync(report, `${image}\n`)
}

const layerBytes = (requests: readonly RecordedRequest[]): number =>
  requests
    .filter(
      ({method, path}) => ['POST', 'PUT', 'PATCH'].includes(method) && path.includes('/blobs/'),
    )
    .reduce((sum, {bytes}) => sum + bytes, 0)

const registries: [string, () => Promise<string>][] = [
  ['inject serve', async () => (await serveRegistry()).address],
  ['docker-registry', async () => (await startDockerRegistry()).address],
]
const formats: Format[] = ['oci', 'docker']
const vendors: [string, Vendor][] = [
  ['umoci', byUmoci],
  ['buildah', byBuildah],
]

describeWith(['docker-registry', 'skopeo', 'umoci', 'buildah'], 'a vendor that moves', () => {
  describe.each(registries)('in %s', (registry, start) => {
    describe.each(vendors)('its images made by %s', (builder, vendor) => {
      // each two of registry, tool and format meet once
      const isFirst = (registry === 'inject serve') === (builder === 'umoci')
      it.each(formats.slice(isFirst ? 0 : 1, isFirst ? 1 : 2))(
        'and in %s format: status, rebase without a layer, remove',
        async (format) => {
          const address = await start()
          const proxy = await recordRequests(address)
          await publish(await vendor('one'), address, format)
          const [image, ours] = [`${proxy.address}/vendor/app:v1`, `${proxy.address}/team/app:data`]
          const tree = await makeTree({'cvmfs/file': 'content', 'cvmfs/deep/other': 'x'})
          await injectJson(['update', image, tree, '--to', ours, '--env', 'DATA=/cvmfs'])
          expect((await inject(['status', ours])).exitCode).toBe(0)
          expect((await inject(['rebase', ours, '--check'])).exitCode).toBe(0)

          await publish(await vendor('two'), address, format)
          const asked = await inject(['status', ours, '--json'])
          expect(asked.exitCode).toBe(20)
          const next = (await injectJson(['inspect', image]))['digest']
          expect(JSON.parse(asked.stdout)).toMatchObject({changed: true, images: [{to: next}]})
          expect((await inject(['rebase', ours, '--check'])).exitCode).toBe(20)

          proxy.requests.length = 0
          const result = await injectJson(['rebase', ours])
          expect(result).toMatchObject({changed: true, tags: ['data'], onto: {to: next}})
          // the config is a kB or two; layers are mounted
          expect(layerBytes(proxy.requests)).toBeLessThan(4096)
          await isValid(`${address}/team/app:data`)
          expect(await filesOf(`${address}/team/app:data`)).toEqual({
            ...(await filesOf(`${address}/vendor/app:v1`)),
            '/cvmfs/file': 'content',
            '/cvmfs/deep/other': 'x',
          })
          expect(await injectJson(['remove', ours, '--dry-run'])).toMatchObject({
            digest: next,
            original: true,
          })
        },
      )
    })

    it.each(formats)('an index of four platforms in %s format', async (family) => {
      const address = await start()
      const proxy = await recordRequests(address)
      const {store} = openRegistry(address)
      const processors = ['amd64', 'arm64', 's390x', 'ppc64le']
      const how = {family, attestations: family === 'oci'}
      await putVendorIndex(store, 'one', processors, how)
      const image = `${proxy.address}/team/app:v1`
      const tree = await makeTree({'cvmfs/file': 'content'})
      const ours = `${proxy.address}/team/app:data`
      await injectJson(['update', image, tree, '--platform', 'all', '--tag', 'data'])
      const {digest: next} = await putVendorIndex(store, 'two', processors, how)
      expect((await inject(['status', ours])).exitCode).toBe(20)
      proxy.requests.length = 0
      const result = await injectJson(['rebase', ours])
      expect(result['images']).toHaveLength(4)
      expect(layerBytes(proxy.requests)).toBeLessThan(4 * 4096)
      await isValid(ours)
      const files = await filesOf(`${address}/team/app:data`)
      expect(files).toMatchObject({'/cvmfs/file': 'content', '/app/two-amd64': ''})
      expect(await injectJson(['remove', ours, '--platform', 'all', '--dry-run'])).toMatchObject({
        digest: next,
        original: true,
      })
    })
  })

  it('nothing but manifests and configs is read with --look none', async () => {
    const address = (await serveRegistry()).address
    const proxy = await recordRequests(address)
    await publish(await byUmoci('one'), address, 'oci')
    const tree = await makeTree({'cvmfs/file': 'content'})
    const ours = `${proxy.address}/vendor/app:data`
    await injectJson(['update', `${proxy.address}/vendor/app:v1`, tree, '--tag', 'data'])
    await publish(await byUmoci('two'), address, 'oci')
    const {layers} = (await injectJson(['inspect', ours])) as {layers: {digest: string}[]}
    proxy.requests.length = 0
    await injectJson(['rebase', ours, '--look', 'none'])
    for (const {digest} of layers)
      expect(
        proxy.requests.filter(({method, path}) => method === 'GET' && path.endsWith(digest)),
      ).toEqual([])
  })
})

describe.each([
  ['rebase', ['rebase']],
  ['rollback', ['rollback', '1', '--keep', '2']],
] as const)('%s that is killed', (name, [command, ...rest]) => {
  it('at any of its writes leaves the old image or the new one, and runs again', async () => {
    const {address} = await serveRegistry()
    const {store} = openRegistry(address)
    const proxy = await recordRequests(address)
    const image = `${proxy.address}/team/app`
    await putVendor(store, 'one')
    for (const content of ['a', 'b']) {
      const tree = await makeTree({'cvmfs/file': content})
      await update(`${image}:v1`, tree, {tags: ['data']})
    }
    if (name === 'rebase') await putVendor(store, 'two')
    const before = await store.statManifest('data')
    const isWrite = ({method}: RecordedRequest) => ['POST', 'PUT', 'PATCH'].includes(method)
    const seen = new Set<unknown>()
    let killed = 0
    for (let last = 1; killed === last - 1; last++) {
      let writes = 0
      const args = [programPath, command, `${image}:data`, ...rest]
      const env = {
        PATH: process.env['PATH'] ?? '',
        HOME: '/nonexistent',
        NODE_COMPILE_CACHE: provided('codeCache'),
      }
      const child = execa(process.execPath, args, {reject: false, extendEnv: false, env})
      proxy.before = async (request) => {
        if (!isWrite(request) || ++writes !== last) return
        killed++
        child.kill('SIGKILL')
        await child
      }
      await child
      proxy.before = undefined
      seen.add(await store.statManifest('data'))
    }
    const after = await store.statManifest('data')
    expect(killed).toBeGreaterThan(1)
    expect(after).not.toBe(before)
    expect([...seen].sort()).toEqual([before, after].sort())
    const out = join(await tempDir(), 'out')
    await injectJson(['unpack', `${image}:data`, out])
    expect(readFileSync(join(out, 'cvmfs/file'), 'utf8')).toBe(name === 'rebase' ? 'b' : 'a')
  })
})

describe('status', () => {
  it('of a hundred images of as many vendors that did not move sends at most three hundred requests', async () => {
    const {address} = await serveRegistry()
    const {store} = openRegistry(address)
    const proxy = await recordRequests(address)
    const image = `${proxy.address}/team/app`
    const numbers = Array.from({length: 100}, (_, at) => String(at))
    await putVendor(store, 'one', {tag: 'v0'})
    const stored = await store.getManifest('v0')
    if (!stored) throw new Error('no image')
    const tags = numbers.map((number) => ({tag: `v${number}`, from: undefined}))
    await store.putManifest(stored.bytes, stored.descriptor.mediaType, {tags})
    const tree = await makeTree({'cvmfs/file': 'content'})
    for (const number of numbers)
      await update(`${image}:v${number}`, tree, {tags: [`data-${number}`]})
    proxy.requests.length = 0
    const names = numbers.map((number) => `${image}:data-${number}`)
    const result = await inject(['status', ...names, '--json'])
    expect(result.exitCode).toBe(0)
    expect(proxy.requests.length).toBeLessThanOrEqual(300)
  })

  it('compares with a directory, prints Markdown, and exits with what an error says', async () => {
    const {address} = await serveRegistry()
    const {store} = openRegistry(address)
    await putVendor(store, 'one')
    const image = `${address}/team/app`
    const tree = await makeTree({'cvmfs/file': 'content'})
    await injectJson(['update', `${image}:v1`, tree, '--tag', 'data'])
    expect((await inject(['status', `${image}:data`, tree])).exitCode).toBe(0)
    writeFileSync(join(tree, 'cvmfs/file'), 'other')
    const {exitCode, stdout} = await inject(['status', `${image}:data`, tree, '--markdown'])
    expect(exitCode).toBe(20)
    expect(stdout).toMatch(/^\| IMAGE \|.*\n\| --- \|.*\n\| .*data \| .* \| differs \|/)
    expect((await inject(['update', `${image}:data`, tree, '--check'])).exitCode).toBe(20)
    const {exitCode: missing, stdout: table} = await inject([
      'status',
      `${image}:none`,
      `${image}:data`,
    ])
    expect(missing).toBe(4)
    expect(table).toMatch(/unknown .*ERR_INJECT_IMAGE_NOT_FOUND[^]*up to date/)
  })
})

const gone = expect.stringContaining(' no longer ') as string

interface CollectedRegistry {
  readonly address: string
  /** Removes what has no tag. */
  readonly collect: () => Promise<void>
}

const collected: [string, () => Promise<CollectedRegistry>][] = [
  ['docker-registry garbage-collect', () => startDockerRegistry({delete: 'enabled'})],
  [
    'inject store prune --untagged',
    async () => {
      const root = join(await tempDir(), 'root')
      const {address} = await serveCommand(root)
      const args = ['store', 'prune', root, '--untagged', '--grace', '0s']
      return {
        address,
        collect: async () => {
          await injectJson(args)
        },
      }
    },
  ],
]

describeWith(['docker-registry'], 'history', () => {
  it.each(collected)(
    'is walked, rolled back, and what --keep keeps survives %s',
    async (name, start) => {
      const {address, collect} = await start()
      const {store} = openRegistry(address)
      await putVendor(store, 'one')
      const image = `${address}/team/app`
      const digests: unknown[] = []
      for (const content of ['a', 'b', 'c', 'd', 'e']) {
        const tree = await makeTree({'cvmfs/file': content})
        const args = ['update', `${image}:v1`, tree, '--tag', 'data', '--keep', '2']
        digests.push((await injectJson([...args, '--created-by', `job ${content}`]))['digest'])
      }
      const {history} = (await injectJson(['history', `${image}:data`])) as {history: object[]}
      expect(history.map((each) => (each as {note: string}).note)).toEqual(
        ['e', 'd', 'c', 'b', 'a'].map((each) => `job ${each}`),
      )
      await collect()
      expect(await injectJson(['rollback', `${image}:data`, '2'])).toMatchObject({
        digest: digests[2],
        tags: ['data'],
      })
      const out = join(await tempDir(), 'out')
      await injectJson(['unpack', `${image}:data`, out])
      expect(readFileSync(join(out, 'cvmfs/file'), 'utf8')).toBe('c')
      // docker-registry goes on to show from memory what it has collected
      const known = await store.statManifest(String(digests[0]))
      const lost = await inject(['rollback', `${image}:data`, '2', '--dry-run'])
      expect(lost.exitCode).toBe(known === undefined ? 4 : 0)
      if (name.includes('prune')) expect([known, lost.stderr]).toEqual([undefined, gone])
      expect((await inject(['rollback', `${image}:v1`])).exitCode).toBe(11)
    },
  )

  it('older states are dropped where the registry deletes tags', async () => {
    const {address} = await serveRegistry({deletes: true})
    const {store} = openRegistry(address)
    await putVendor(store, 'one')
    const image = `${address}/team/app`
    for (const content of ['a', 'b', 'c', 'd', 'e']) {
      const tree = await makeTree({'cvmfs/file': content})
      await injectJson(['update', `${image}:v1`, tree, '--tag', 'data', '--keep', '2'])
    }
    const tags = await listed(store.listTags())
    expect(tags.filter((tag) => tag.startsWith('data-'))).toEqual([
      'data-inject-3',
      'data-inject-4',
    ])
  })
})
