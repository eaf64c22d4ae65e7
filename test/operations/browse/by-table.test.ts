import {randomBytes} from 'node:crypto'
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {openOciArchive} from '../../../src/archive/oci-archive.js'
import {readArchive} from '../../../src/archive/read-archive.js'
import {InjectError} from '../../../src/errors.js'
import {readLimits} from '../../../src/layer/records/read-layer.js'
import {digestOf, hexOf} from '../../../src/oci/digest.js'
import {parseReference} from '../../../src/oci/names/reference.js'
import {listFiles} from '../../../src/operations/browse/list-files.js'
import {readFile} from '../../../src/operations/browse/read-file.js'
import {diffTrees} from '../../../src/operations/compare/diff-trees.js'
import {imageTree} from '../../../src/operations/compare/tree-source.js'
import {fetchImage} from '../../../src/operations/find/fetch-image.js'
import {openLayoutStore} from '../../../src/store/layout/layout-store.js'
import {createMemoryStore} from '../../../src/store/memory-store.js'
import type {ContentStore} from '../../../src/store/content-store.js'
import type {RangeReader} from '../../../src/store/range-reader.js'
import {
  type ChunkedLayer,
  chunkedLayer,
  fileEntry,
  tarOf,
  withTable,
} from '../../support/chunked-layers.js'
import {operationPorts} from '../../support/operation-ports.js'
import {putImage} from '../../support/put-image.js'
import {rangeReader} from '../../support/range-reader.js'
import {tempDir} from '../../support/temp-dir.js'

const noise = randomBytes(400_000)
const content = Buffer.concat([randomBytes(5000), Buffer.alloc(3_000_000), Buffer.from('end')])
const entries = [
  fileEntry('a', noise),
  fileEntry('small', 'some text'),
  fileEntry('sparse', content),
  fileEntry('z', 'last'),
]

interface Rigged {
  readonly store: ContentStore
  /** What was read, in bytes: whole blobs as `Infinity`. */
  readonly reads: number[]
}

/** A store that reads ranges as a registry does, unless `ranges` is false. */
async function rigged(layers: readonly ChunkedLayer[], ranges = true): Promise<Rigged> {
  const memory = createMemoryStore('registry.example/team/app')
  for (const [at, layer] of layers.entries())
    await putImage(memory, {layers: [layer], tag: `v${at + 1}`})
  const reads: number[] = []
  const reader = rangeReader(memory, {
    ranges,
    onRead: (bytes) => {
      reads.push(bytes.length)
      return bytes
    },
  })
  const store: ContentStore & RangeReader = {
    ...memory,
    ...reader,
    openBlob(blob, options) {
      if (layers.some(({blob: bytes}) => bytes.length === blob.size)) reads.push(Infinity)
      return memory.openBlob(blob, options)
    },
  }
  return {store, reads}
}

const request = (path: string) => ({
  reference: parseReference('registry.example/team/app:v1'),
  part: {kind: 'all'} as const,
  ...{path, limits: readLimits, temporary: tmpdir()},
})

async function contentOf({store}: Rigged, path: string): Promise<Buffer> {
  const parts: Buffer[] = []
  const write = (bytes: Uint8Array): void => void parts.push(Buffer.from(bytes))
  await readFile({...request(path), write}, operationPorts(store))
  return Buffer.concat(parts)
}

const listOf = async ({store}: Rigged) =>
  (await listFiles({...request('/'), recursive: true}, operationPorts(store))).files

async function contents(layer: ChunkedLayer) {
  const {openTable} = await import('../../../src/layer/chunked/table.js')
  const {readTocJson} = await import('../../../src/layer/contents/read-toc.js')
  const {tocPlace} = await import('../../../src/layer/contents/toc-place.js')
  const place = tocPlace({size: layer.blob.length, annotations: layer.annotations})!
  const json = await readTocJson(place, layer.blob.length, (offset, length) =>
    Promise.resolve(layer.blob.subarray(offset, offset + length)),
  )
  const document = JSON.parse(Buffer.from(json!).toString()) as {
    entries: Record<string, unknown>[]
  }
  return {document, table: openTable(json!, layer.blob.length, 100)}
}

describe('a layer with a table of contents', () => {
  it('is listed by it alone, and a file by its frames alone', async () => {
    const layer = await chunkedLayer(tarOf(entries))
    const image = await rigged([layer])
    const plain = await rigged([{...layer, annotations: {}}])
    expect(await listOf(image)).toEqual(await listOf(plain))
    expect(plain.reads).toEqual([Infinity])
    const [table = 0, ...others] = image.reads.splice(0)
    expect(others).toEqual([])
    expect(table).toBeLessThan(5000)

    expect((await contentOf(image, '/small')).toString()).toBe('some text')
    expect(image.reads.splice(0)).toEqual([table, 'some text'.length + 9])
    expect((await contentOf(image, '/sparse')).equals(content)).toBe(true)
    const [, ...frames] = image.reads
    expect(frames.reduce((sum, size) => sum + size, 0)).toBeLessThan(6000)
  })

  it('is compared by it alone, unless all is to be read', async () => {
    const changed = entries.map((entry) =>
      entry[0].path === 'small' ? fileEntry('small', 'same size') : entry,
    )
    const layers = [await chunkedLayer(tarOf(entries)), await chunkedLayer(tarOf(changed))]
    const image = await rigged(layers)
    const ports = operationPorts(image.store)
    const sourceOf = async (tag: string) => {
      const found = await fetchImage(image.store, tag, ports.signal)
      return imageTree(found!, {kind: 'all'}, image.store, ports).source
    }
    const compare = async (exact: boolean) => {
      const options = {
        exact,
        ignored: new Set<never>(),
        ...{temporary: tmpdir(), limits: readLimits},
        view: {kind: 'changes', most: 10} as const,
      }
      const {changes} = await diffTrees(await sourceOf('v1'), await sourceOf('v2'), options, ports)
      return changes.map(({path, aspects}) => [path, aspects])
    }
    expect(await compare(false)).toEqual([['small', ['content']]])
    expect(image.reads.splice(0).every((size) => size < 5000)).toBe(true)
    expect(await compare(true)).toEqual([['small', ['content']]])
    expect(image.reads).toEqual([Infinity, Infinity])
  })

  it('is read whole where there are no ranges', async () => {
    const image = await rigged([await chunkedLayer(tarOf(entries))], false)
    expect((await contentOf(image, '/small')).toString()).toBe('some text')
    expect(new Set(image.reads)).toEqual(new Set([Infinity]))
  })

  it('T-29 is read whole where the table does not hold together, or is another one', async () => {
    const layer = await chunkedLayer(tarOf(entries))
    const {document} = await contents(layer)
    const twice = await withTable(layer, {
      ...document,
      entries: [...document.entries, document.entries[0]],
    })
    const other = {
      ...layer,
      annotations: {
        ...layer.annotations,
        'io.github.containers.zstd-chunked.manifest-checksum': `sha256:${'0'.repeat(64)}`,
      },
    }
    for (const each of [twice, other, await withTable(layer, '{"version":1,')]) {
      const image = await rigged([each])
      expect((await contentOf(image, '/small')).toString()).toBe('some text')
      expect(image.reads).toContain(Infinity)
    }
  })

  it.each<[string, Record<string, unknown>]>([
    ['another digest', {digest: `sha256:${'0'.repeat(64)}`}],
    ['a smaller size', {size: 5}],
    ['a larger size', {size: 500}],
  ])('T-29 gives nothing of a file for which the table has %s', async (_, lie) => {
    const layer = await chunkedLayer(tarOf(entries))
    const {document} = await contents(layer)
    const rows = document.entries.map((row) => (row['name'] === 'small' ? {...row, ...lie} : row))
    const image = await rigged([await withTable(layer, {...document, entries: rows})])
    const written: Uint8Array[] = []
    const write = (bytes: Uint8Array): void => void written.push(bytes)
    const failure = await readFile(
      {...request('/small'), write},
      operationPorts(image.store),
    ).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(InjectError)
    expect(failure).toMatchObject({code: 'ERR_INJECT_TABLE_MISMATCH'})
    expect(written).toEqual([])
  })
})

describe('a layer with a table of contents on disk', () => {
  /** A layout of this layer in which the content of the file `a` is damaged. */
  async function damagedLayout(layer: ChunkedLayer): Promise<string> {
    const directory = join(await tempDir(), 'layout')
    await putImage(await openLayoutStore(directory, {create: true}), {layers: [layer]})
    const file = openSync(join(directory, 'blobs', 'sha256', hexOf(digestOf(layer.blob))), 'r+')
    writeSync(file, Buffer.alloc(8), 0, 8, 200_000)
    closeSync(file)
    return directory
  }

  async function archived(layout: string): Promise<ContentStore> {
    const names = readdirSync(layout, {recursive: true, encoding: 'utf8'})
    const files = names.filter((name) => statSync(join(layout, name)).isFile())
    const path = join(await tempDir(), 'image.tar')
    writeFileSync(
      path,
      tarOf(files.map((name) => fileEntry(name, readFileSync(join(layout, name))))),
    )
    return openOciArchive(await readArchive(path, `oci-archive:${path}`, {temporary: tmpdir()}))
  }

  it.each<[string, (layout: string) => Promise<ContentStore>]>([
    ['in a layout', (layout) => openLayoutStore(layout)],
    ['in an archive', archived],
  ])('is listed by it alone, and a file by its frames: %s', async (_, open) => {
    const layout = await damagedLayout(await chunkedLayer(tarOf(entries)))
    const image = {store: await open(layout), reads: []}
    // reading all of the layer would find the damage
    expect((await listOf(image)).map(({path}) => path)).toEqual(['a', 'small', 'sparse', 'z'])
    expect((await contentOf(image, '/sparse')).equals(content)).toBe(true)
    await expect(contentOf(image, '/a')).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_INJECT_(TABLE_MISMATCH|LAYER_CORRUPT)$/) as string,
    })
    await image.store.close()
  })
})
