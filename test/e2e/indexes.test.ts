import {execa} from 'execa'
import {randomBytes} from 'node:crypto'
import {mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {inject, injectJson} from '../support/cli.js'
import {startDockerRegistry} from '../support/docker-registry.js'
import {type IndexImages, putIndex} from '../support/layout-index.js'
import {openRegistry} from '../support/open-registry.js'
import {recordRequests} from '../support/recording-proxy.js'
import {send, serveRegistry} from '../support/served-registry.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'

interface Entry {
  readonly digest: string
  readonly mediaType: string
  readonly platform?: {readonly architecture: string}
}
interface Index {
  readonly manifests: readonly Entry[]
  readonly annotations?: Readonly<Record<string, string>>
}
const eight = [
  'linux/amd64',
  'linux/arm64/v8',
  'linux/arm/v7',
  'linux/arm/v6',
  'linux/386',
  'linux/ppc64le',
  'linux/riscv64',
  'linux/s390x',
]
const three = eight.slice(0, 3)

async function start(address: string, images: IndexImages) {
  const {store} = openRegistry(address)
  const entries = await putIndex(store, images)
  const tree = join(await tempDir(), 'tree')
  mkdirSync(join(tree, 'cvmfs'), {recursive: true})
  writeFileSync(join(tree, 'cvmfs/file'), 'content')
  const manifest = async (reference: string) =>
    send(address, 'GET', `/v2/team/app/manifests/${reference}`, {
      headers: {
        accept:
          'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json',
      },
    })
  const indexAt = async (reference: string) => (await manifest(reference)).json() as Index
  const digestAt = async (reference: string) =>
    (await manifest(reference)).headers['docker-content-digest']
  return {image: `${address}/team/app`, entries, tree, indexAt, digestAt}
}

const registries: [string, () => Promise<string>][] = [
  ['inject serve', async () => (await serveRegistry()).address],
  ['docker-registry', async () => (await startDockerRegistry()).address],
]

describeWith(['docker-registry'], 'an index', () => {
  describe.each(registries)('in %s', (_, registry) => {
    it.each(['oci', 'docker'] as const)(
      'all of a %s index get the layer; one of them; and back to the original',
      async (family) => {
        const images = {family, platforms: three, attestations: family === 'oci'}
        const {image, tree, indexAt, digestAt} = await start(await registry(), images)
        const before = await indexAt('v1')
        const original = await digestAt('v1')

        const all = await injectJson(['update', `${image}:v1`, tree, '--platform', 'all'])
        expect(all).toMatchObject({
          changed: true,
          tags: ['v1'],
          attestationsDropped: family === 'oci' ? 3 : 0,
        })
        const after = await indexAt('v1')
        expect(after.manifests.map(({platform}) => platform)).toEqual(
          before.manifests.slice(0, 3).map(({platform}) => platform),
        )
        for (const text of three) {
          const one = await injectJson(['inspect', `${image}:v1`, '--platform', text])
          expect(one['slots']).toMatchObject([{name: 'cvmfs', path: '/', layer: 1}])
          const out = join(await tempDir(), 'out')
          await injectJson(['unpack', `${image}:v1`, out, '--platform', text])
          expect(readFileSync(join(out, 'cvmfs/file'), 'utf8')).toBe('content')
        }
        const again = await injectJson(['update', `${image}:v1`, tree, '--platform', 'all'])
        expect(again).toMatchObject({changed: false, tags: [], digest: all['digest']})

        writeFileSync(join(tree, 'cvmfs/file'), 'other content')
        const one = await injectJson([
          'update',
          `${image}:v1`,
          tree,
          '-p',
          'linux/arm64',
          '-t',
          'v2',
        ])
        expect(one).toMatchObject({tags: ['v2'], images: [{platform: 'linux/arm64/v8'}]})
        const [amd64, , arm] = (await indexAt('v2')).manifests
        expect([amd64, arm]).toEqual([after.manifests[0], after.manifests[2]])
        expect(await digestAt('v1')).toBe(all['digest'])

        const removed = await injectJson(['remove', `${image}:v2`, '-p', 'all', '-t', 'v3'])
        expect(removed).toMatchObject({digest: original, original: true, tags: ['v3']})
        expect(await digestAt('v3')).toBe(original)
      },
    )

    it('one image after the other goes back to the original, and so does what only one of them has', async () => {
      const {image, tree, digestAt} = await start(await registry(), {platforms: three})
      const original = await digestAt('v1')
      await injectJson(['update', `${image}:v1`, tree, '--platform', 'all', '-t', 'v2'])
      for (const platform of three)
        await injectJson(['remove', `${image}:v2`, '--platform', platform])
      expect(await digestAt('v2')).toBe(original)

      await injectJson(['update', `${image}:v1`, tree, '-p', 'linux/arm64', '-t', 'v3'])
      const named = await inject(['remove', `${image}:v3`, '-p', 'linux/amd64'])
      expect(named.exitCode).toBe(11)
      expect(await injectJson(['remove', `${image}:v3`, '-p', 'all'])).toMatchObject({
        original: true,
        digest: original,
      })
      const again = await inject(['remove', `${image}:v3`, '-p', 'all'])
      expect(again.exitCode, again.stderr).toBe(11)
    })

    it('a layer is sent once, however many images get it', async () => {
      const address = await registry()
      const {image, tree} = await start(address, {platforms: eight})
      const result = await injectJson(['update', `${image}:v1`, tree, '--platform', 'all'])
      const images = result['images'] as {layer: {digest: string}}[]
      expect(images).toHaveLength(8)
      expect(new Set(images.map(({layer}) => layer.digest)).size).toBe(1)
    })
  })

  it('all of eight images cost hardly more bytes than one', async () => {
    const bytes = []
    for (const platforms of ['linux/amd64', 'all']) {
      const {address, requests} = await recordRequests((await startDockerRegistry()).address)
      const {image, tree} = await start(address, {platforms: eight})
      writeFileSync(join(tree, 'cvmfs/noise'), randomBytes(1024 * 1024))
      const before = requests.length
      await injectJson(['update', `${image}:v1`, tree, '--platform', platforms])
      bytes.push(requests.slice(before).reduce((sum, request) => sum + request.bytes, 0))
    }
    const [one = 0, all = Infinity] = bytes
    expect(one).toBeGreaterThan(1024 * 1024)
    expect(all).toBeLessThan(1.1 * one + 8 * 20_000)
  })

  it('is read by skopeo, with all that is in it', async () => {
    const {address} = await startDockerRegistry()
    const {image, tree} = await start(address, {platforms: three, attestations: true})
    await injectJson(['update', `${image}:v1`, tree, '--platform', 'all'])
    const out = join(await tempDir(), 'out')
    const args = ['--insecure-policy', 'copy', '-q', '--all', '--src-tls-verify=false']
    await execa('skopeo', [...args, `docker://${image}:v1`, `oci:${out}:v1`])
    expect(readdirSync(join(out, 'blobs/sha256')).length).toBeGreaterThanOrEqual(1 + 3 * 2 + 4)
  })
})

describe('choosing', () => {
  it('nothing is an error that says what there is, for each command that needs one', async () => {
    const {address} = await serveRegistry()
    const {image, tree} = await start(address, {platforms: three})
    for (const args of [
      ['update', `${image}:v1`, tree],
      ['setup', `${image}:v1`],
      ['remove', `${image}:v1`],
    ]) {
      const {exitCode, stderr} = await inject(args)
      expect(exitCode, stderr).toBe(2)
      expect(stderr).toContain(
        'an index of several platforms: linux/amd64, linux/arm64/v8, linux/arm/v7',
      )
      expect(stderr).toContain('--platform linux/amd64 for one of them, or --platform all')
    }
  })

  it('what is not there, or not written as a platform is', async () => {
    const {address} = await serveRegistry()
    const {image, tree} = await start(address, {platforms: three})
    const other = await inject(['update', `${image}:v1`, tree, '-p', 'linux/s390x'])
    expect(other.exitCode).toBe(4)
    expect(other.stderr).toContain('has no image for linux/s390x: there are: linux/amd64')
    expect((await inject(['update', `${image}:v1`, tree, '-p', 'amd64'])).exitCode).toBe(2)
    const [{digest} = {digest: ''}] = (await start(address, {platforms: three})).entries
    const single = await inject(['inspect', `${image}@${digest}`, '-p', 'linux/arm64'])
    expect(single.exitCode).toBe(4)
    expect(single.stderr).toContain('is a single image, for linux/amd64 and not for linux/arm64')
  })

  it('an empty directory is worth a warning, and an unknown placeholder an error', async () => {
    const {address} = await serveRegistry()
    const {image} = await start(address, {platforms: three})
    const empty = await tempDir()
    const {stderr} = await inject(['update', `${image}:v1`, empty, '-p', 'all'])
    expect(stderr).toContain('there is nothing in')
    const unknown = await inject(['update', `${image}:v1`, `${empty}/{os}-{foo}`, '-p', 'all'])
    expect(unknown).toMatchObject({exitCode: 2})
    expect(unknown.stderr).toContain('unknown placeholder {foo}')
  })

  it('unpack takes the image for this machine, and says so', async () => {
    const {address} = await serveRegistry()
    const {image, tree} = await start(address, {platforms: eight})
    await injectJson(['update', `${image}:v1`, tree, '--platform', 'all'])
    const out = join(await tempDir(), 'out')
    const {exitCode, stderr} = await inject(['unpack', `${image}:v1`, out])
    expect(exitCode, stderr).toBe(0)
    expect(stderr).toMatch(/unpacking linux\/\w+, as this machine is; --platform chooses another/)
    expect(readFileSync(join(out, 'cvmfs/file'), 'utf8')).toBe('content')
  })

  it('nested images are images as others', async () => {
    const {address} = await serveRegistry()
    const nested = {platforms: three, nested: ['linux/s390x', 'linux/riscv64']}
    const {image, tree, entries, indexAt} = await start(address, nested)
    const result = await injectJson(['update', `${image}:v1`, tree, '-p', 'linux/s390x'])
    expect(result['images']).toMatchObject([{platform: 'linux/s390x', changed: true}])
    const {manifests} = await indexAt('v1')
    expect(manifests.slice(0, 3)).toEqual(entries.slice(0, 3))
    const inner = await indexAt(manifests[3]?.digest ?? '')
    expect(inner.manifests).toHaveLength(2)
    expect((await injectJson(['inspect', `${image}:v1`]))['images']).toHaveLength(5)
    const lines = (await inject(['list', `${image}:v1`])).stdout.split('\n')
    expect(lines).toEqual([expect.stringMatching(/^linux\/s390x {2}cvmfs {2}\/ {2}sha256:/)])
  })
})

describe('a directory for each platform', () => {
  it('goes where it belongs', async () => {
    const {address} = await serveRegistry()
    const {image} = await start(address, {platforms: three})
    const out = await tempDir()
    for (const name of ['linux-amd64', 'linux-arm64v8', 'linux-armv7']) {
      mkdirSync(join(out, name))
      writeFileSync(join(out, name, 'which'), name)
    }
    const path = join(out, '{os}-{arch}{variant}')
    await injectJson(['update', `${image}:v1`, path, '-p', 'all', '--path', '/opt'])
    for (const [platform, name] of [
      ['linux/arm64', 'linux-arm64v8'],
      ['linux/arm/v7', 'linux-armv7'],
    ] as const) {
      const back = join(await tempDir(), 'back')
      await injectJson(['unpack', `${image}:v1`, back, '-p', platform])
      expect(readFileSync(join(back, 'which'), 'utf8')).toBe(name)
    }
    const missing = await inject(['update', `${image}:v1`, join(out, '{arch}'), '-p', 'all'])
    expect(missing.exitCode).toBe(9)
    expect(
      (await inject(['update', `${image}:v1`, join(out, '{platform}'), '-p', 'all'])).exitCode,
    ).toBe(2)
  })

  it('is never one that the image chooses', async () => {
    const {address} = await serveRegistry()
    const {store} = openRegistry(address)
    await putIndex(store, {platforms: ['linux/..']})
    const path = join(await tempDir(), '{arch}')
    const {exitCode, stderr} = await inject(['update', `${address}/team/app:v1`, path, '-p', 'all'])
    expect(exitCode).toBe(8)
    expect(stderr).toContain('cannot be part of a path: ".."')
  })
})

describe('setup and remove', () => {
  it('set up all, keep what is there, and take it out', async () => {
    const {address} = await serveRegistry()
    const {image, digestAt} = await start(address, {platforms: three, attestations: true})
    const original = await digestAt('v1')
    const first = await injectJson(['setup', `${image}:v1`, '-p', 'all'])
    expect(first).toMatchObject({changed: true, tags: ['v1']})
    expect(await injectJson(['setup', `${image}:v1`, '-p', 'all'])).toMatchObject({changed: false})
    const kept = ['setup', `${image}:v1`, '-p', 'all', '--name', 'b', '--attestations', 'keep']
    expect(await injectJson(kept)).toMatchObject({attestationsDropped: 0})
    const rest = await injectJson(['remove', `${image}:v1`, '-p', 'all', '--name', 'b'])
    expect(rest).toMatchObject({original: false})
    const dry = await injectJson(['remove', `${image}:v1`, '-p', 'all', '--dry-run'])
    expect(dry).toMatchObject({digest: original, original: true, tags: ['v1'], dryRun: true})
    expect(await digestAt('v1')).not.toBe(original)
    const {stderr} = await inject(['remove', `${image}:v1`, '-p', 'all'])
    expect(stderr).toContain('the image is the original one again')
    expect(await digestAt('v1')).toBe(original)
    expect((await inject(['remove', `${image}:v1`, '-p', 'all'])).exitCode).toBe(11)
  })

  it('four updates with edits, and the original again, of a single image too', async () => {
    const {address} = await serveRegistry()
    const {image, tree, entries, digestAt} = await start(address, {platforms: three})
    const [entry = {digest: ''}] = entries
    const from = `${image}@${entry.digest}`
    await injectJson(['setup', from, '-t', 'one'])
    for (let round = 0; round < 4; round++) {
      writeFileSync(join(tree, 'cvmfs/file'), `content ${round}`)
      const edits = ['--env', `ROUND=${round}`, '--env', 'PATH=/opt/bin', '--label', 'a=b']
      await injectJson(['update', `${image}:one`, tree, ...(round % 3 === 0 ? edits : [])])
    }
    const entrypoint = ['--entrypoint', '["/bin/app","-x"]', '--user', '1000', '--workdir', '/w']
    const edited = await injectJson(['update', `${image}:one`, tree, ...entrypoint])
    expect(edited).toMatchObject({slot: {action: 'edited'}, layer: {uploaded: false}})
    const again = await injectJson(['update', `${image}:one`, tree, ...entrypoint])
    expect(again).toMatchObject({slot: {action: 'unchanged'}, tags: []})
    expect(await digestAt('one')).not.toBe(entry.digest)
    expect(await injectJson(['remove', `${image}:one`])).toMatchObject({original: true})
    expect(await digestAt('one')).toBe(entry.digest)
  })
})
