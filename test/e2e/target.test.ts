import {execa} from 'execa'
import {mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {inject, injectJson} from '../support/cli.js'
import {startDockerRegistry} from '../support/docker-registry.js'
import {makeLayoutImage} from '../support/layout-image.js'
import {putIndex} from '../support/layout-index.js'
import {listed, openRegistry} from '../support/open-registry.js'
import {recordRequests} from '../support/recording-proxy.js'
import {serveRegistry} from '../support/served-registry.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'

async function makeTree(content = 'content') {
  const tree = join(await tempDir(), 'tree')
  mkdirSync(join(tree, 'cvmfs'), {recursive: true})
  writeFileSync(join(tree, 'cvmfs/file'), content)
  return tree
}

/** `oci:DIR:v1` of one layer, copied into a registry as team/app:v1. */
async function putImage(address: string) {
  const image = `${address}/team/app:v1`
  await injectJson(['copy', await makeLayoutImage(await tempDir()), image])
  return image
}

const registries: [string, () => Promise<string>][] = [
  ['inject serve', async () => (await serveRegistry()).address],
  ['docker-registry', async () => (await startDockerRegistry()).address],
]

describeWith(['docker-registry', 'skopeo'], '--to', () => {
  describe.each(registries)('with %s', (_, start) => {
    it('update into another repository mounts the layers, and leaves the source as it is', async () => {
      const address = await start()
      const [image, tree] = [await putImage(address), await makeTree()]
      const before = await injectJson(['inspect', image])
      const proxy = await recordRequests(address)
      const args = ['update', image.replace(address, proxy.address), tree]
      const result = await injectJson([...args, '--to', `${proxy.address}/other/app:next`])
      expect(result).toMatchObject({base: before['digest'], changed: true, tags: ['next']})
      expect(result['reference']).toBe(`${proxy.address}/other/app@${String(result['digest'])}`)
      const mounts = proxy.requests.filter(({path}) => path.includes('mount='))
      expect(mounts.length).toBeGreaterThan(0)
      expect(
        proxy.requests.filter(({method, path}) => method === 'GET' && path.includes(`app/blobs`)),
      )
        // the config, and nothing else
        .toHaveLength(1)
      expect(await injectJson(['inspect', image])).toEqual(before)

      const again = await injectJson([...args, '--to', `${proxy.address}/other/app:next`])
      expect(again).toMatchObject({digest: result['digest'], tags: []})
    })

    it('update into another registry copies the layers, and skopeo reads the result', async () => {
      const [from, to] = [await start(), await start()]
      const [image, tree] = [await putImage(from), await makeTree()]
      const result = await injectJson([
        'update',
        image,
        tree,
        '--to',
        `${to}/x`,
        '-t',
        'a',
        '-t',
        'b',
      ])
      expect(result).toMatchObject({tags: ['a', 'b']})
      const out = join(await tempDir(), 'out')
      const args = ['--insecure-policy', 'copy', '-q', '--src-tls-verify=false']
      await execa('skopeo', [...args, `docker://${to}/x:a`, `oci:${out}:a`])
      expect(readdirSync(join(out, 'blobs/sha256'))).toHaveLength(4)
      await injectJson(['unpack', `${to}/x:b`, `${out}-tree`])
      expect(readFileSync(join(`${out}-tree`, 'cvmfs/file'), 'utf8')).toBe('content')
    })

    it('an index goes there with all its images, and back to the original by remove', async () => {
      const [from, to] = [await start(), await start()]
      const platforms = ['linux/amd64', 'linux/arm64/v8', 'linux/arm/v7']
      await putIndex(openRegistry(from).store, {platforms, nested: ['linux/386']})
      const image = `${from}/team/app:v1`
      const original = (await injectJson(['copy', image, image]))['digest']
      const args = [await makeTree(), '-p', 'linux/arm64', '--to', `${to}/x`]
      const updated = await injectJson(['update', image, ...args])
      expect(updated).toMatchObject({base: original, tags: ['v1']})
      for (const platform of [...platforms, 'linux/386'])
        expect(await injectJson(['inspect', `${to}/x:v1`, '-p', platform])).toMatchObject({
          slots: platform === 'linux/arm64/v8' ? [{name: 'cvmfs'}] : [],
        })
      const removed = ['remove', `${to}/x:v1`, '-p', 'linux/arm64', '--to', `${from}/team/app:back`]
      expect(await injectJson(removed)).toMatchObject({
        tags: ['back'],
        base: updated['digest'],
        digest: original,
        original: true,
      })
    })
  })

  it('an image that holds the directory already goes there all the same', async () => {
    const {address} = await serveRegistry()
    const [image, tree] = [await putImage(address), await makeTree()]
    const {digest} = await injectJson(['update', image, tree])
    const to = ['--to', `${address}/copy/of`]
    expect(await injectJson(['update', image, tree, ...to])).toMatchObject({
      changed: false,
      digest,
      tags: ['v1'],
    })
    expect(await injectJson(['setup', image, '--to', `${address}/set/up`])).toMatchObject({
      changed: false,
      digest,
      tags: ['v1'],
    })
  })

  it('to a layout that is made, and to archives', async () => {
    const {address} = await serveRegistry()
    const [image, tree] = [await putImage(address), await makeTree()]
    const folder = await tempDir()
    for (const to of ['oci:layout', 'oci-archive:a.tar', 'docker-archive:d.tar:team/app']) {
      await injectJson(['update', image, tree, '--to', to], {cwd: folder})
      const out = join(folder, to.replaceAll(/\W/g, '-'))
      await injectJson(['unpack', `${to}:v1`, out], {cwd: folder})
      expect(readFileSync(join(out, 'cvmfs/file'), 'utf8')).toBe('content')
    }
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([])
    const inside = ['update', image, tree, '--to', `oci:${tree}/layout`]
    await injectJson(['copy', image, `oci:${tree}/layout`])
    expect(await inject(inside)).toMatchObject({exitCode: 2})
  })

  it('--dry-run puts nothing there; --no-clobber and a moved tag are conflicts there', async () => {
    const {address} = await serveRegistry()
    const [image, tree] = [await putImage(address), await makeTree()]
    const to = ['--to', `${address}/other/app:v1`]
    expect(await injectJson(['update', image, tree, ...to, '--dry-run'])).toMatchObject({
      digest: null,
      tags: ['v1'],
    })
    const {store} = openRegistry(address)
    const other = await injectJson(['copy', image, `${address}/other/app:v1`])
    expect(await inject(['update', image, tree, ...to, '--no-clobber'])).toMatchObject({
      exitCode: 7,
    })
    // the tag there has the source's name and its digest, and is yet another tag
    expect(await injectJson(['update', image, tree, ...to])).toMatchObject({
      base: other['digest'],
      tags: ['v1'],
    })
    expect(await listed(store.listTags())).toEqual(['v1'])
    expect((await injectJson(['inspect', image]))['digest']).toBe(other['digest'])
  })

  it('conflicts at the target are never solved by taking what is there', async () => {
    const {address} = await serveRegistry()
    const [image, tree] = [await putImage(address), await makeTree()]
    const proxy = await recordRequests(address)
    const to = `${proxy.address}/other/app:v1`
    let moved = false
    proxy.before = async ({method, path}) => {
      if (moved || method !== 'POST' || !path.includes('other/app/blobs')) return
      moved = true
      await injectJson(['copy', image, `${address}/other/app:v1`])
    }
    const args = ['update', image, tree, '--to', to, '--on-conflict', 'retry']
    expect(await inject(args)).toMatchObject({exitCode: 7})
    expect(moved).toBe(true)
    expect((await injectJson(['inspect', `${address}/other/app:v1`]))['slots']).toEqual([])
  })
})

describe('the flags', () => {
  it('refuse a target that no tag can be moved to', async () => {
    const digest = `sha256:${'0'.repeat(64)}`
    const result = await inject(['setup', 'oci:x', '--to', `oci:y@${digest}`])
    expect(result).toMatchObject({exitCode: 2})
    expect(result.stderr).toContain('named by a digest')
  })
})
