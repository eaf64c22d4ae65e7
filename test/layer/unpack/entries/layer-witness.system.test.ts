import {linkSync, mkdirSync, symlinkSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {packLayer} from '../../../../src/layer/pack/pack.js'
import {lookOf} from '../../../../src/layer/tree/layer-look.js'
import {walk} from '../../../../src/layer/tree/walk.js'
import {unpackLayers, type UnpackLayersOptions} from '../../../../src/layer/unpack/unpack-layers.js'
import {digestOf} from '../../../../src/oci/digest.js'
import {ociLayer} from '../../../../src/oci/media-type.js'
import {xattrBinding} from '../../../../src/layer/tree/xattrs/read-xattrs.js'
import {archive, file, pax} from '../../../support/tar-fixtures.js'
import {tempDir} from '../../../support/temp-dir.js'

async function* stream(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  // headers come in pieces
  for (let at = 0; at < bytes.length; at += 700) {
    await Promise.resolve()
    yield bytes.subarray(at, at + 700)
  }
}

/** What layers of these tars look like once they are unpacked, and where. */
async function witnessed(tars: readonly Buffer[], options: Partial<UnpackLayersOptions> = {}) {
  const out = join(await tempDir(), 'out')
  const layers = tars.map((tar) => {
    return {open: () => stream(tar), mediaType: ociLayer, diffId: digestOf(tar)}
  })
  const how = {directory: out, path: '/', force: false, witnesses: true, ...options}
  return {out, found: (await unpackLayers({...how, layers})).witnessed}
}

/** The tar that we make of a directory. */
async function pack(root: string): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  const entries = () => walk(root, {path: '/'})
  for await (const chunk of packLayer(entries, {compression: 'none'}).open()) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function makeTree(): Promise<string> {
  const root = await tempDir()
  mkdirSync(join(root, 'd'))
  writeFileSync(join(root, 'd/file'), 'content')
  writeFileSync(join(root, 'd/empty'), '')
  writeFileSync(join(root, 'd/ümläut'), 'x'.repeat(1500))
  writeFileSync(join(root, 'n'.repeat(150)), 'long name')
  linkSync(join(root, 'd/file'), join(root, 'd/link'))
  symlinkSync('s'.repeat(200), join(root, 'd/symlink'))
  return root
}

describe('the witness of what is unpacked', () => {
  it('sees of a layer of ours what a walk sees', async () => {
    const tar = await pack(await makeTree())
    const {out, found} = await witnessed([tar])
    const look = lookOf(walk(out, {path: '/', detail: 'states'}))
    expect(found).toMatchObject([{look, tarSize: tar.length, entries: 7}])
    expect(look.isReliable).toBe(true)
  })

  it('sees several layers, each by itself', async () => {
    const [one, two] = [await tempDir(), await tempDir()]
    writeFileSync(join(one, 'one'), '1')
    writeFileSync(join(two, 'two'), '2')
    const {out, found} = await witnessed([await pack(one), await pack(two)])
    const isExcluded = (name: string) => (path: string) => path === name
    const looks = ['two', 'one'].map((name) =>
      lookOf(walk(out, {path: '/', detail: 'states', isExcluded: isExcluded(name)})),
    )
    expect(found.map((layer) => layer?.look)).toEqual(looks)
  })

  it('finds nothing out unless it is asked to', async () => {
    const tar = await pack(await makeTree())
    expect((await witnessed([tar], {witnesses: false})).found).toEqual([undefined])
  })

  it('leaves no trace on the directory itself', async () => {
    const tar = await pack(await makeTree())
    const {out} = await witnessed([tar])
    const plain = await witnessed([tar], {witnesses: false})
    expect(await pack(out)).toEqual(await pack(plain.out))
  })

  const others: Record<string, (tar: Buffer) => readonly Buffer[]> = {
    'headers are not ours': () => [archive(file('a', 'one', {format: 'gnu'}))],
    'a record says what needs none': () => [archive(pax({comment: 'x'}), file('a', 'one'))],
    'the padding of a file is not zeros': (tar) => {
      const odd = Buffer.from(tar)
      odd[512 + 100] = 1
      return [odd]
    },
    'more zeros follow its end': (tar) => [Buffer.concat([tar, Buffer.alloc(512)])],
    'a later entry takes the place of a file': (tar) => [tar, tar],
  }
  for (const [title, change] of Object.entries(others)) {
    it(`does not vouch for a layer where ${title}`, async () => {
      const root = await tempDir()
      writeFileSync(join(root, 'a'), 'one')
      const tar = await pack(root)
      expect((await witnessed([tar])).found).toMatchObject([{tarSize: tar.length}])
      const {found} = await witnessed(change(tar))
      expect(found.length).toBeGreaterThan(0)
      expect(found.every((layer) => layer === undefined)).toBe(true)
    })
  }

  it('does not vouch for a layer with attributes of files, which might not have been written', async () => {
    const root = await tempDir()
    writeFileSync(join(root, 'a'), 'one')
    xattrBinding()?.setAttributeSync(join(root, 'a'), 'user.note', Buffer.from('x'))
    expect((await witnessed([await pack(root)])).found).toEqual([undefined])
  })
})
