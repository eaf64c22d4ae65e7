import {execa} from 'execa'
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {inspect, remove, unpack, update} from '../../src/index.js'
import {makeBusyboxLayout} from '../support/busybox-image.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'

const isRoot = process.getuid?.() === 0

/** An injected image in a layout, `v1`, with a slot at `/opt/data`. */
async function start() {
  const folder = await tempDir()
  const layout = await makeBusyboxLayout(folder)
  const tree = join(folder, 'tree')
  mkdirSync(tree)
  const put = (content: string, tag: string, to: string) => {
    writeFileSync(join(tree, 'file'), content)
    return update(`oci:${layout}:${tag}`, tree, {path: '/opt/data', tags: [to]})
  }
  await put('content', 'base', 'v1')
  return {folder, layout, put}
}

/**
 * Whatever is built on top: the slot is found, replaced where it is, and taken out, and the layer
 * above stays.
 */
async function followsSlot({folder, layout, put}: Awaited<ReturnType<typeof start>>) {
  const image = `oci:${layout}:child`
  const before = await inspect(image)
  expect(before).toMatchObject({slots: [{name: 'cvmfs', path: '/opt/data', layer: 2}]})
  expect('layers' in before && before.layers).toHaveLength(4)
  await unpack(image, join(folder, 'out'))
  expect(readFileSync(join(folder, 'out/file'), 'utf8')).toBe('content')

  const replaced = await put('other', 'child', 'child')
  expect(replaced).toMatchObject({changed: true, slot: {action: 'replaced'}})
  const bundle = join(folder, 'after')
  await execa('umoci', ['unpack', '--image', `${layout}:child`, bundle])
  expect(readFileSync(join(bundle, 'rootfs/opt/data/file'), 'utf8')).toBe('other')
  expect(readFileSync(join(bundle, 'rootfs/opt/above'), 'utf8')).toBe('above')

  expect(await remove(image, {tags: ['out']})).toMatchObject({original: false})
  const out = await inspect(`oci:${layout}:out`)
  expect(out).toMatchObject({slots: []})
  expect('layers' in out && out.layers).toHaveLength(3)
}

describeWith(['umoci', 'busybox', 'skopeo', 'buildah'], 'an image built on an injected one', () => {
  it.runIf(isRoot)('by umoci', async () => {
    const started = await start()
    const {folder, layout} = started
    const bundle = join(folder, 'bundle')
    await execa('umoci', ['unpack', '--image', `${layout}:v1`, bundle])
    writeFileSync(join(bundle, 'rootfs/opt/above'), 'above')
    await execa('umoci', ['repack', '--image', `${layout}:child`, bundle])
    await followsSlot(started)
  })

  it.runIf(isRoot)('by buildah', async () => {
    const started = await start()
    const {folder} = started
    const store = ['--root', join(folder, 'storage'), '--runroot', join(folder, 'run')]
    const buildah = (...args: string[]) =>
      // it makes a name of the path, and wants that in lower case
      execa('buildah', [...store, '--storage-driver', 'vfs', ...args], {cwd: folder})
    const {stdout: container} = await buildah('from', '-q', 'oci:base-layout:v1')
    writeFileSync(join(folder, 'above'), 'above')
    await buildah('copy', '-q', container, join(folder, 'above'), '/opt/above')
    await buildah('commit', '-q', '--rm', container, 'oci:base-layout:child')
    await followsSlot(started)
  })
})
