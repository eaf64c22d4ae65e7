import {execa} from 'execa'
import {link, mkdir, symlink, truncate, utimes, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {hashLayer} from '../../src/layer/pack/hash-layer.js'
import {packLayer} from '../../src/layer/pack/pack.js'
import {unpackLayer} from '../../src/layer/unpack/unpack-layers.js'
import {walk} from '../../src/layer/tree/walk.js'
import {ociLayer} from '../../src/oci/media-type.js'
import {tempDir} from '../support/temp-dir.js'
import {treeSnapshot} from '../support/tree-snapshot.js'

/** Something of everything that a layer can hold. */
async function variedTree(folder: string): Promise<string> {
  const tree = join(folder, 'tree')
  const deep = join(tree, 'deep', ...Array.from({length: 12}, () => 'd'.repeat(200)))
  await mkdir(deep, {recursive: true})
  await writeFile(join(deep, 'file'), 'deep')
  await writeFile(join(tree, 'plain'), 'x'.repeat(1000), {mode: 0o640})
  await writeFile(join(tree, 'empty'), '', {mode: 0o4755})
  await link(join(tree, 'plain'), join(tree, 'z-hard'))
  await symlink('../nowhere/caf\u00e9', join(tree, 'link'))
  await link(join(tree, 'link'), join(tree, 'link-again'))
  await execa('mkfifo', [join(tree, 'fifo')])
  for (const name of ['caf\u00e9', 'a\nb', '-rf', ' ', '*', 'n'.repeat(255)]) {
    await writeFile(join(tree, name), name)
  }
  await writeFile(Buffer.concat([Buffer.from(`${tree}/raw`), Buffer.of(0xff, 0xe9)]), 'raw')
  await writeFile(join(tree, 'sparse'), '')
  await truncate(join(tree, 'sparse'), 5_000_000)
  await utimes(join(tree, 'empty'), new Date(-5_000), new Date(-5_000))
  await utimes(join(tree, 'plain'), 4_000_000_000, 4_000_000_000)
  await mkdir(join(tree, 'ro/inner'), {recursive: true})
  await execa('chmod', ['2555', join(tree, 'ro')])
  return tree
}

describe('packing and unpacking', () => {
  it.each(['/', '/opt/models'])(
    'P1 gives the directory back, and the same layer again, below %s',
    async (path) => {
      const folder = await tempDir()
      const tree = await variedTree(folder)
      const layer = packLayer(() => walk(tree, {path}))
      const blob: Uint8Array[] = []
      for await (const chunk of layer.open()) blob.push(Buffer.from(chunk))
      const out = join(folder, 'out')
      const {diffId, tarSize} = layer.content()
      const result = await unpackLayer({
        directory: out,
        open: () => stream(blob),
        mediaType: `${ociLayer}+gzip`,
        diffId,
        path,
        force: false,
      })
      expect(result.bytes).toBe(tarSize)
      // nothing but the path says what the directory itself is like
      const skip = path === '/' ? 1 : 0
      expect(treeSnapshot(out).slice(skip)).toEqual(treeSnapshot(tree).slice(skip))
      const again = await hashLayer(() => walk(out, {path}))
      expect(again?.diffId).toBe(diffId)
    },
  )
})

async function* stream(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  await Promise.resolve()
  yield* chunks
}
