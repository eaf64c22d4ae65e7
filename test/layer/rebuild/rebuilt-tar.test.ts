import {randomBytes} from 'node:crypto'
import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {PartUnavailable} from '../../../src/layer/chunked/part-unavailable.js'
import {openTable} from '../../../src/layer/chunked/table.js'
import {createZstd} from '../../../src/layer/compress/zstd-frame.js'
import {fetchContent} from '../../../src/layer/rebuild/fetched-content.js'
import {openLocalFiles} from '../../../src/layer/rebuild/local-files.js'
import {planRebuild} from '../../../src/layer/rebuild/plan-rebuild.js'
import {rebuiltTar} from '../../../src/layer/rebuild/rebuilt-tar.js'
import {unpackLimits} from '../../../src/layer/limits.js'
import {
  type ChunkedLayer,
  chunkedLayer,
  expanded,
  fileEntry,
  storedPart,
  tarOf,
} from '../../support/chunked-layers.js'
import {tempDir} from '../../support/temp-dir.js'

const {signal} = new AbortController()
const noise = randomBytes(300_000)
const entries = [
  fileEntry('a', noise),
  fileEntry('empty', ''),
  fileEntry('b', 'some text'),
  fileEntry('hole', Buffer.concat([Buffer.from('begin'), Buffer.alloc(500_000), noise])),
]

interface Sources {
  /** The rows of the table. */
  readonly table?: (rows: Record<string, unknown>[]) => object[]
  /** The lines of the tar-split. */
  readonly tarSplit?: (lines: string[]) => string[]
  readonly limits?: {readonly fetched?: number; readonly content?: number}
}

/** Puts a layer together from `files`, and what else is needed from the layer. */
async function rebuild(
  layer: ChunkedLayer,
  files: Readonly<Record<string, Uint8Array | string>>,
  {table: rowsOf = (rows) => rows, tarSplit: linesOf = (lines) => lines, limits}: Sources = {},
) {
  const directory = await tempDir()
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content)
  const document = JSON.parse((await expanded(storedPart(layer, 'manifest'))).toString()) as {
    entries: Record<string, unknown>[]
  }
  const json = JSON.stringify({...document, entries: rowsOf(document.entries)})
  const table = openTable(Buffer.from(json), layer.blob.length, 100)!
  const text = (await expanded(storedPart(layer, 'tarsplit'))).toString()
  const tarSplit = createZstd()(Buffer.from(linesOf(text.split('\n')).join('\n')))
  const sources = {
    table,
    files: openLocalFiles(directory),
    localPath: ({path}: {path: string}) => path,
  }
  const most = {fetched: Infinity, content: Infinity, ...limits}
  const plan = await planRebuild(sources, most, signal)
  if (!plan) return {tar: undefined, fetched: 0}
  let bytes = 0
  const fetched = fetchContent(
    plan.fetched,
    (ranges) => {
      const parts = ranges.map(({offset, length}) => layer.blob.subarray(offset, offset + length))
      bytes += parts.reduce((sum, {length}) => sum + length, 0)
      return Promise.resolve(parts)
    },
    unpackLimits,
  )
  const parts: Buffer[] = []
  for await (const part of rebuiltTar({...sources, tarSplit, plan, fetched}))
    parts.push(Buffer.from(part))
  const tar = Buffer.concat(parts)
  return {tar, fetched: bytes}
}

describe('the tar of a layer', () => {
  it('comes of the files alone where all are there', async () => {
    const layer = await chunkedLayer(tarOf(entries))
    const files = Object.fromEntries(entries.map(([{path}, content = '']) => [path, content]))
    const {tar, fetched} = await rebuild(layer, files)
    expect(tar?.equals(layer.tar)).toBe(true)
    expect(fetched).toBe(0)
  })

  it('comes of the layer alone where none is there', async () => {
    const layer = await chunkedLayer(tarOf(entries))
    expect((await rebuild(layer, {})).tar?.equals(layer.tar)).toBe(true)
  })

  it('comes of chunks of a file that is another one now, holes for nothing', async () => {
    const layer = await chunkedLayer(tarOf(entries))
    const hole = Buffer.concat([Buffer.alloc(5000), Buffer.from('other'), noise])
    const {tar, fetched} = await rebuild(layer, {a: noise, b: 'some text', hole})
    expect(tar?.equals(layer.tar)).toBe(true)
    expect(fetched).toBeGreaterThan(0)
    expect(fetched).toBeLessThan(250_000)
  })

  it('is not put together where that takes more than the limits', async () => {
    const layer = await chunkedLayer(tarOf(entries))
    for (const limits of [{fetched: 1000}, {content: 500_000}])
      expect((await rebuild(layer, {}, {limits})).tar).toBe(undefined)
  })

  const other = `sha256:${'0'.repeat(64)}`
  const rowOf = (name: string, more: object) => (rows: Record<string, unknown>[]) =>
    rows.map((row) => (row['name'] === name && row['type'] === 'reg' ? {...row, ...more} : row))
  it.each<[string, Sources]>([
    ['a digest that lies', {table: rowOf('b', {digest: other})}],
    ['a size that lies', {table: rowOf('b', {size: 20})}],
    [
      'a place that is too large',
      {
        table: (rows) => {
          const {offset} = rows.find(({name}) => name === 'hole')!
          return rowOf('b', {endOffset: offset})(rows)
        },
      },
    ],
    [
      'a file fewer in the tar-split',
      {tarSplit: (lines) => lines.filter((line) => !/"b"/.test(line))},
    ],
    [
      'a file more in the tar-split',
      {tarSplit: (lines) => [...lines, '{"type":1,"name":"c","size":1}']},
    ],
    [
      'a size in the tar-split that lies',
      {tarSplit: (lines) => lines.map((line) => line.replace('"size":9', '"size":8'))},
    ],
    ['a tar-split that is no JSON', {tarSplit: () => ['{']}],
    ['a tar-split of other lines', {tarSplit: () => ['{"type":3}']}],
    ['a negative size in the tar-split', {tarSplit: () => ['{"type":1,"name":"b","size":-9}']}],
    ['a line of the tar-split without end', {tarSplit: () => ['x'.repeat(9 * 1024 * 1024)]}],
  ])('T-29 is never put together with %s', async (_, lie) => {
    const layer = await chunkedLayer(tarOf(entries))
    const failure = await rebuild(layer, {a: noise}, lie).then(
      ({tar}) => (tar?.equals(layer.tar) === false ? 'another tar' : 'the tar'),
      (error: unknown) => error,
    )
    expect(failure).toBeInstanceOf(PartUnavailable)
  })
})
