import {execa} from 'execa'
import {readdir, readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {digestOf} from '../../src/oci/digest.js'
import {type LayoutStore, openLayoutStore} from '../../src/store/layout/layout-store.js'
import {makeManifest} from '../contracts/make-manifest.js'
import {collect, listed} from '../support/open-registry.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'

const copy = (from: string, to: string) =>
  execa('skopeo', ['--insecure-policy', 'copy', '--quiet', from, to])
const raw = async (image: string): Promise<string> =>
  (await execa('skopeo', ['inspect', '--raw', image], {stripFinalNewline: false})).stdout

async function putImage(store: LayoutStore, word: string, tag: string): Promise<string> {
  const {bytes, descriptor} = await makeManifest(store, word)
  await store.putManifest(bytes, descriptor.mediaType, {tags: [{tag, from: undefined}]})
  return Buffer.from(bytes).toString()
}

describeWith(['skopeo', 'umoci'], 'a layout that others use too', () => {
  it('is read by skopeo, whole', async () => {
    const directory = join(await tempDir(), 'layout')
    const store = await openLayoutStore(directory, {create: true})
    const text = await putImage(store, 'one', 'v1')
    await putImage(store, 'two', 'v2')
    expect(await raw(`oci:${directory}:v1`)).toBe(text)
    const other = join(await tempDir(), 'copy')
    await copy(`oci:${directory}:v1`, `oci:${other}:v1`)
    expect(await raw(`oci:${other}:v1`)).toBe(text)
    expect(await readdir(join(other, 'blobs/sha256'))).toHaveLength(3)
  })

  it('is listed and unpacked by umoci', async () => {
    const directory = join(await tempDir(), 'layout')
    const store = await openLayoutStore(directory, {create: true})
    await putImage(store, 'one', 'v1')
    await putImage(store, 'two', 'v2')
    const {stdout} = await execa('umoci', ['list', '--layout', directory])
    expect(stdout.split('\n').toSorted()).toEqual(['v1', 'v2'])
    // nothing that is listed is taken for rubbish, a moved tag's old manifest neither
    const old = await store.statManifest('v1')
    const before = (await readdir(join(directory, 'blobs/sha256'))).length
    await putImage(store, 'three', 'v1')
    await execa('umoci', ['gc', '--layout', directory])
    expect((await readdir(join(directory, 'blobs/sha256'))).length).toBe(before + 2)
    expect((await store.getManifest(old!))?.descriptor.digest).toBe(old)
  })

  it('may be made by umoci, which leaves its list null', async () => {
    const directory = join(await tempDir(), 'layout')
    await execa('umoci', ['init', '--layout', directory])
    const store = await openLayoutStore(directory)
    expect(await listed(store.listTags())).toEqual([])
    expect(await store.onlyManifest()).toBeUndefined()
    const text = await putImage(store, 'one', 'v1')
    await execa('umoci', ['new', '--image', `${directory}:v2`])
    expect(await listed(store.listTags())).toEqual(['v1', 'v2'])
    expect(await raw(`oci:${directory}:v1`)).toBe(text)
    const made = await store.getManifest('v2')
    expect(Buffer.from(made!.bytes).toString()).toBe(await raw(`oci:${directory}:v2`))
  })

  it('is written by skopeo and by us in turns, and neither loses what the other put', async () => {
    const directory = join(await tempDir(), 'layout')
    const source = join(await tempDir(), 'source')
    const first = await openLayoutStore(source, {create: true})
    const one = await putImage(first, 'one', 'v1')
    await copy(`oci:${source}:v1`, `oci:${directory}:from-skopeo`)
    const store = await openLayoutStore(directory)
    const two = await putImage(store, 'two', 'from-us')
    const three = await putImage(first, 'three', 'v3')
    await copy(`oci:${source}:v3`, `oci:${directory}:from-us`)
    expect(await listed(store.listTags())).toEqual(['from-skopeo', 'from-us'])
    for (const [tag, text] of [
      ['from-skopeo', one],
      ['from-us', three],
    ] as const) {
      const stored = await store.getManifest(tag)
      expect(Buffer.from(stored!.bytes).toString()).toBe(text)
      expect(await raw(`oci:${directory}:${tag}`)).toBe(text)
      const {config} = JSON.parse(text) as {config: {digest: never; size: number}}
      expect(digestOf(await collect(await store.openBlob(config)))).toBe(config.digest)
    }
    // the one whose tag skopeo took
    expect(await store.getManifest(digestOf(Buffer.from(two)))).toBeDefined()
  })

  it('that has one image without a tag is about that one', async () => {
    const directory = join(await tempDir(), 'layout')
    const source = join(await tempDir(), 'source')
    const first = await openLayoutStore(source, {create: true})
    const text = await putImage(first, 'one', 'v1')
    await copy(`oci:${source}:v1`, `oci:${directory}`)
    const store = await openLayoutStore(directory)
    expect(await listed(store.listTags())).toEqual([])
    expect(await store.onlyManifest()).toBe(digestOf(Buffer.from(text)))
    // tagging it uses its entry
    await putImage(store, 'one', 'v1')
    const index = JSON.parse(await readFile(join(directory, 'index.json'), 'utf8')) as {
      manifests: unknown[]
    }
    expect(index.manifests).toHaveLength(1)
  })
})
