import {execaSync} from 'execa'
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {unpackLayer} from '../../../src/layer/unpack/unpack-layers.js'
import {digestOf} from '../../../src/oci/digest.js'
import {ociLayer} from '../../../src/oci/media-type.js'
import {streamOf} from '../../../src/stream/bytes.js'
import {archive, file, member, pax} from '../../support/tar-fixtures.js'
import {tempDir} from '../../support/temp-dir.js'
import {describeWith} from '../../support/tools.js'

async function unpackBytes(bytes: Uint8Array, largest?: number) {
  const directory = join(await tempDir(), 'out')
  const layer = {open: () => streamOf(bytes), mediaType: ociLayer, diffId: digestOf(bytes)}
  const limits = largest === undefined ? {} : {limits: {totalBytes: largest}}
  await unpackLayer({...layer, ...limits, directory, path: '/', force: false})
  return directory
}

/** Three parts of data in 200 MB, more than a header of GNU's old format holds with `parts`. */
async function makeSparse(parts: number) {
  const folder = await tempDir()
  mkdirSync(join(folder, 'd'))
  const path = join(folder, 'd/sparse')
  const descriptor = openSync(path, 'w')
  const size = 20_000_000
  for (let n = 0; n < parts; n++)
    writeSync(
      descriptor,
      Buffer.alloc(5000, String.fromCharCode(97 + (n % 26))),
      0,
      5000,
      n * 150_000,
    )
  closeSync(descriptor)
  truncateSync(path, size)
  return {folder, path}
}

const gnu = [
  ['--format=gnu'],
  ['--format=posix', '--sparse-version=0.0'],
  ['--format=posix', '--sparse-version=0.1'],
  ['--format=posix', '--sparse-version=1.0'],
]

describeWith(['bsdtar'], 'W29 sparse files', () => {
  it.each(
    gnu.flatMap((flags) =>
      [0, 1, 3, 40, 120].map((parts) => [flags.join(' '), parts, flags] as const),
    ),
  )('as GNU tar writes them with %s, %i parts', async (_, parts, flags) => {
    const {folder, path} = await makeSparse(parts)
    const {stdout} = execaSync('tar', ['-C', folder, '--sparse', ...flags, '-cf', '-', 'd'], {
      encoding: 'buffer',
    })
    expect(stdout.length).toBeLessThan(5_000_000)
    const out = join(await unpackBytes(Buffer.from(stdout)), 'd/sparse')
    expect(readFileSync(out).equals(readFileSync(path))).toBe(true)
    // holes are holes again
    expect(statSync(out).blocks * 512).toBeLessThan(10_000_000)
  })

  it.each([0, 3, 40])('as bsdtar writes them, %i parts', async (parts) => {
    const {folder, path} = await makeSparse(parts)
    const {stdout} = execaSync(
      'bsdtar',
      ['-C', folder, '--read-sparse', '--format', 'pax', '-cf', '-', 'd'],
      {encoding: 'buffer'},
    )
    const out = join(await unpackBytes(Buffer.from(stdout)), 'd/sparse')
    expect(readFileSync(out).equals(readFileSync(path))).toBe(true)
  })

  const sparse = (records: Record<string, string>, content = '') =>
    archive(pax({'GNU.sparse.size': '1000', ...records}), file('x', content))

  it.each([
    ['a part outside the file', {'GNU.sparse.map': '900,200'}, 'x'.repeat(200)],
    ['parts that overlap', {'GNU.sparse.map': '0,10,5,10'}, 'x'.repeat(20)],
    ['parts that go back', {'GNU.sparse.map': '100,10,0,10'}, 'x'.repeat(20)],
    ['half of a part', {'GNU.sparse.map': '0,10,20'}, 'x'.repeat(10)],
    ['fewer bytes than the map', {'GNU.sparse.map': '0,100'}, 'x'.repeat(50)],
    ['more bytes than the map', {'GNU.sparse.map': '0,10'}, 'x'.repeat(50)],
    ['no number', {'GNU.sparse.map': '0,x'}, 'x'],
    ['another version', {'GNU.sparse.major': '2', 'GNU.sparse.minor': '0'}, 'x'],
    ['a map that is cut off', {'GNU.sparse.major': '1', 'GNU.sparse.minor': '0'}, '5\n0\n'],
  ])('T-14 %s is refused', async (_, records, content) => {
    await expect(unpackBytes(sparse(records, content))).rejects.toMatchObject({
      code: 'ERR_INJECT_LAYER_CORRUPT',
    })
  })

  it('T-14 a map of 10⁶ parts and a size of 8 EiB are refused', async () => {
    const many = `1000000\n${'0\n0\n'.repeat(100)}`
    const records = {'GNU.sparse.major': '1', 'GNU.sparse.minor': '0'}
    await expect(unpackBytes(sparse(records, many))).rejects.toMatchObject({name: 'LimitError'})
    const huge = sparse({'GNU.sparse.size': '9223372036854775807', 'GNU.sparse.map': ''})
    await expect(unpackBytes(huge)).rejects.toMatchObject({code: 'ERR_INJECT_LAYER_CORRUPT'})
    const large = sparse({'GNU.sparse.size': String(2 ** 50), 'GNU.sparse.map': '0,0'})
    await expect(unpackBytes(large)).rejects.toMatchObject({code: 'ERR_INJECT_LAYER_TOO_LARGE'})
    const asked = sparse({'GNU.sparse.size': '100000', 'GNU.sparse.map': '0,0'})
    await expect(unpackBytes(asked, 50_000)).rejects.toMatchObject({
      code: 'ERR_INJECT_LAYER_TOO_LARGE',
    })
  })

  it('an invalid map of GNU’s old format is refused', async () => {
    const odd = member({name: 'x', type: 'S', format: 'gnu', content: 'x'})
    await expect(unpackBytes(archive(odd))).rejects.toMatchObject({
      code: 'ERR_INJECT_LAYER_CORRUPT',
    })
  })
})
