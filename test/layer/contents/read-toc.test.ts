import {randomBytes} from 'node:crypto'
import {describe, expect, it} from 'vitest'
import {gzipSync} from 'node:zlib'
import {readLayerIndex} from '../../../src/layer/contents/layer-index.js'
import {readToc} from '../../../src/layer/contents/read-toc.js'
import {footerSize, offsetInFooter, tocPlace} from '../../../src/layer/contents/toc-place.js'
import {digestOf} from '../../../src/oci/digest.js'
import {streamOf} from '../../../src/stream/bytes.js'
import {archive, directory, file, member} from '../../support/tar-fixtures.js'
import {estargz, tableOf, type TocLayer, zstdChunked} from '../../support/toc-layers.js'

const noise = randomBytes(200_000).toString('latin1')
const members = [
  member({name: 'usr/', type: '5', mode: 0o751, uid: 3, gid: 4, mtime: 1_000_000_000}),
  directory('usr/lib/'),
  member({name: 'lib', type: '2', link: 'usr/lib'}),
  file('usr/lib/noise', noise),
  file('etc/.wh.gone', ''),
]
const table = tableOf([
  {
    ...{name: 'usr/', type: 'dir', mode: 0o40751, uid: 3, gid: 4},
    modtime: '2001-09-09T01:46:40Z',
    xattrs: {'user.a': Buffer.from('b').toString('base64'), 'security.selinux': 'eA=='},
  },
  {name: './usr/lib', type: 'dir', mode: 0o755, modtime: '1970-01-01T00:00:00Z'},
  {name: 'lib', type: 'symlink', linkName: 'usr/lib'},
  {name: 'usr/lib/noise', type: 'reg', size: noise.length, digest: 'sha256:x'},
  {name: 'usr/lib/noise', type: 'chunk', chunkOffset: 100},
  {name: 'etc/.wh.gone', type: 'reg', xattrs: null},
])

const makers: [string, (table: Buffer) => TocLayer | Promise<TocLayer>][] = [
  ['eStargz', (toc) => estargz(members, toc)],
  ['zstd:chunked', (toc) => zstdChunked(members, toc)],
]

/** Counts what is read. */
function rangesOf({blob}: TocLayer) {
  const ranges: [number, number][] = []
  const read = (offset: number, length: number) => {
    ranges.push([offset, length])
    return Promise.resolve(blob.subarray(offset, offset + length) as Uint8Array | undefined)
  }
  return {read, ranges}
}

async function tocOf(layer: TocLayer, read = rangesOf(layer).read) {
  const place = tocPlace({size: layer.blob.length, annotations: layer.annotations})
  return place && readToc(place, layer.blob.length, read)
}

describe.each(makers)('W7 the table of contents of %s', (_, make) => {
  it('says what the layer itself says', async () => {
    const layer = await make(table)
    const {blob, diffId, mediaType = ''} = layer
    const place = {number: 1, digest: digestOf(blob)}
    const index = await readLayerIndex(
      streamOf(blob),
      {mediaType, diffId, place},
      new AbortController().signal,
    )
    const toc = await tocOf(layer)
    const paths = (entries = index) => entries.map(({kind, path}) => `${kind} ${path}`)
    // of eStargz the table itself is an entry of the layer, too
    expect(paths(index.filter(({path}) => path !== 'stargz.index.json'))).toEqual(paths(toc))
    expect(toc?.[0]).toEqual({
      ...{kind: 'directory', path: 'usr', mode: 0o751, uid: 3, gid: 4, mtime: 1_000_000_000},
      xattrs: new Map([['user.a', Buffer.from('b')]]),
    })
    expect(toc?.[2]).toEqual({kind: 'symlink', path: 'lib', target: 'usr/lib'})
  })

  it('is read in one part, or two if it is large, and nothing else of the layer', async () => {
    const small = await make(table)
    const few = rangesOf(small)
    await tocOf(small, few.read)
    expect(few.ranges).toHaveLength(1)
    expect(few.ranges[0]?.[1]).toBeLessThan(small.blob.length / 2)
    const names = Array.from({length: 5000}, () => ({
      name: randomBytes(20).toString('hex'),
      type: 'reg',
    }))
    const large = await make(tableOf(names))
    const more = rangesOf(large)
    expect(await tocOf(large, more.read)).toHaveLength(5000)
    expect(more.ranges.length).toBeLessThanOrEqual(2)
  })

  it('does not count when it is not the one that the annotation names', async () => {
    const layer = await make(table)
    const other = await make(tableOf([{name: 'lib', type: 'dir'}]))
    const key = Object.keys(layer.annotations)[0]!
    const wrong = {...other, annotations: {...other.annotations, [key]: layer.annotations[key]!}}
    expect(await tocOf(other)).toHaveLength(1)
    expect(await tocOf(wrong)).toBeUndefined()
  })

  it.each([
    ['another version', Buffer.from('{"version":2,"entries":[]}')],
    ['no list', Buffer.from('{"version":1}')],
    ['no JSON', Buffer.from('x')],
    ['an entry without a name', Buffer.from('{"version":1,"entries":[{"type":"dir"}]}')],
    ['a mode that is text', tableOf([{name: 'a', type: 'dir', mode: '755'}])],
  ])('that is %s is not one', async (__, bytes) => {
    expect(await tocOf(await make(bytes))).toBeUndefined()
  })

  it('is not there where no part is given', async () => {
    expect(await tocOf(await make(table), () => Promise.resolve(undefined))).toBeUndefined()
  })

  it('leaves out entries that lead out of the image', async () => {
    const layer = await make(
      tableOf([
        {name: '../x', type: 'dir'},
        {name: '/', type: 'dir'},
      ]),
    )
    expect(await tocOf(layer)).toEqual([])
  })
})

describe('W7 where a table is', () => {
  const digest = digestOf(Buffer.from(''))
  const chunked = (position: string) => ({
    'io.github.containers.zstd-chunked.manifest-checksum': digest,
    'io.github.containers.zstd-chunked.manifest-position': position,
  })

  it.each<[string, Readonly<Record<string, string>> | undefined]>([
    ['no annotations', undefined],
    ['a digest that is none', {'containerd.io/snapshot/stargz/toc.digest': 'sha256:x'}],
    ['no position', {'io.github.containers.zstd-chunked.manifest-checksum': digest}],
    ['a position beyond the layer', chunked('900:200:1:1')],
    ['a position that is none', chunked('1:2:3')],
    ['a table of another type', chunked('1:2:3:2')],
    ['a table without a length', chunked('1:0:3:1')],
    ['huge numbers', chunked('999999999999999:999999999999999:1:1')],
    ['a negative number', chunked('-1:2:3:1')],
  ])('%s: nowhere', (_, annotations) => {
    expect(tocPlace({size: 1000, annotations})).toBeUndefined()
  })

  it('another footer, or one that points elsewhere, does not lead to a table', async () => {
    expect(offsetInFooter(gzipSync(''))).toBeUndefined()
    const layer = estargz(members, table)
    const {blob} = layer
    expect(offsetInFooter(blob.subarray(-footerSize))).toBeGreaterThan(0)
    for (const offset of ['ffffffffffffffff', '0000000000000000', '0000000000100000']) {
      const bad = Buffer.from(blob)
      bad.write(offset, blob.length - footerSize + 16, 'latin1')
      // bytes that are no archive are an error, which those who ask take for "no table"
      const toc = await tocOf({...layer, blob: bad}).catch((error: unknown) => error)
      expect(toc === undefined || toc instanceof Error).toBe(true)
    }
  })

  it('a table that expands without end is a limit', async () => {
    const bomb = gzipSync(Buffer.alloc(65 * 1024 * 1024))
    const layer = estargz([], archive())
    const blob = Buffer.concat([bomb, layer.blob.subarray(-footerSize)])
    blob.write('0'.repeat(16), blob.length - footerSize + 16, 'latin1')
    await expect(tocOf({...layer, blob})).rejects.toMatchObject({
      code: 'ERR_INJECT_LAYER_TOO_LARGE',
    })
  })
})
