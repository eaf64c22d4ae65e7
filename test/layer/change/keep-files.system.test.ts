import {lstatSync, mkdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it, onTestFinished} from 'vitest'
import {keepFiles} from '../../../src/layer/change/keep-files.js'
import {rowsIn} from '../../../src/layer/recording/columns/rows-in.js'
import {createExtraction} from '../../../src/layer/unpack/entries/extract.js'
import {openTreeRoot} from '../../../src/layer/unpack/folders/tree-root.js'
import {unpackLayers} from '../../../src/layer/unpack/unpack-layers.js'
import {digestOf} from '../../../src/oci/digest.js'
import {ociLayer} from '../../../src/oci/media-type.js'
import {archive, file} from '../../support/tar-fixtures.js'
import {tempDir} from '../../support/temp-dir.js'

const owner = {uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0}

it('does not believe a file that was touched in the same tick of the clock', async () => {
  const around = await tempDir()
  const out = join(around, 'out')
  const tar = archive(file('x', 'content', owner))
  async function* open(): AsyncGenerator<Uint8Array> {
    await Promise.resolve()
    yield tar
  }
  const layers = [{open, mediaType: ociLayer, diffId: digestOf(tar)}]
  const options = {directory: out, path: '/', force: true, witnesses: true, layers}
  const {walk} = await unpackLayers(options)
  if (!walk) throw new Error('there is no walk')
  const files = new Map([...rowsIn(walk)].map((row) => [row.path, row]))
  const {ctimeNs, mtimeMs} = lstatSync(join(out, 'x'), {bigint: true})
  const entry = {
    ...({kind: 'file', path: 'x', size: 7, mode: 0o644, ...owner, xattrs: undefined} as const),
    mtime: Number(mtimeMs) / 1000,
  }
  const stays = (before: bigint, to: string): readonly string[] => {
    mkdirSync(join(around, to))
    const [tree, work] = [openTreeRoot(out), openTreeRoot(join(around, to))]
    onTestFinished(() => tree.close())
    const keeping = keepFiles(
      createExtraction(work, () => undefined, {states: true}),
      {tree, files, before},
    )
    keeping.add(entry)
    keeping.write(Buffer.from('content'))
    keeping.endEntry()
    keeping.close()
    return [...keeping.stays.keys()]
  }
  expect(stays(ctimeNs + 1n, 'later')).toEqual(['x'])
  expect(stays(ctimeNs, 'now')).toEqual([])
  expect(readFileSync(join(around, 'now/x'), 'utf8')).toBe('content')
})
