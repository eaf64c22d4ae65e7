import {randomBytes} from 'node:crypto'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {fromText} from '../../../src/layer/byte-string.js'
import {createCrc64} from '../../../src/layer/chunked/crc64.js'
import {openTable, type TableEntry} from '../../../src/layer/chunked/table.js'
import type {Entry} from '../../../src/layer/entry.js'
import {createTarReader} from '../../../src/layer/tar/reader.js'
import {digestOf} from '../../../src/oci/digest.js'
import {
  type ChunkedLayer,
  chunkedLayer,
  expanded,
  fileEntry,
  storedPart,
  tarOf,
  type TreeEntry,
} from '../../support/chunked-layers.js'
import {runs} from '../../support/property-runs.js'

interface Row {
  readonly type: string
  readonly name: string
  readonly size?: number
  readonly digest?: string
  readonly offset?: number
  readonly endOffset?: number
  readonly chunkSize?: number
  readonly chunkOffset?: number
  readonly chunkDigest?: string
  readonly chunkType?: string
}

const tableIn = async (layer: ChunkedLayer) =>
  JSON.parse((await expanded(storedPart(layer, 'manifest'))).toString()) as {
    version: number
    entries: Row[]
    tarSplitDigest: string
  }
const entriesIn = async (layer: ChunkedLayer): Promise<TableEntry[]> => {
  const json = await expanded(storedPart(layer, 'manifest'))
  const place = layer.annotations['io.github.containers.zstd-chunked.manifest-position'] ?? ''
  return [...(openTable(json, Number(place.split(':')[0]), 1000)?.entries() ?? [])]
}

const name = fc.stringMatching(/^[a-z<&"\\éü\u2028]{1,120}$/)
/** Noise, zeros and text, so that there are chunks of all kinds. */
const content = fc
  .array(
    fc.oneof(
      fc.nat(200_000).map((length) => Buffer.alloc(length)),
      fc.nat(200_000).map((length) => randomBytes(length)),
      fc.constantFrom(1, 1023, 1024, 1025).map((length) => Buffer.alloc(length)),
      fc.string().map((text) => Buffer.from(text)),
    ),
    {maxLength: 6},
  )
  .map((parts) => Buffer.concat(parts))
const metadata = fc.record({
  mode: fc.nat(0o7777),
  uid: fc.nat(2 ** 31),
  gid: fc.nat(2 ** 31),
  mtime: fc.integer({min: -(2 ** 33), max: 2 ** 35}),
  xattrs: fc.option(
    fc
      .dictionary(fc.stringMatching(/^user\.[a-z=%]{1,9}$/), fc.uint8Array({maxLength: 40}))
      .map((values) => new Map(Object.entries(values))),
    {nil: undefined},
  ),
})
const tree = fc
  .uniqueArray(name, {minLength: 1, maxLength: 12})
  .chain((names) =>
    fc.tuple(
      ...names.map((each) =>
        fc.tuple(fc.constant(fromText(each)), metadata, content, fc.integer({min: 0, max: 7})),
      ),
    ),
  )
  .map((items) =>
    items.map(([path, rest, bytes, kind]): TreeEntry => {
      const common = {...rest, path}
      const target = fromText(items[0]?.[0] ?? 'x')
      if (kind === 0) return [{...common, kind: 'directory'}]
      if (kind === 1) return [{...common, kind: 'symlink', target}]
      if (kind === 2) return [{...common, kind: 'hardlink', target}]
      if (kind === 3) return [{...common, kind: 'character-device', major: 7, minor: 0}]
      if (kind === 4) return [{...common, kind: 'fifo'}]
      return [{...common, kind: 'file', size: bytes.length}, bytes]
    }),
  )

/** Entries as a reader of the tar sees them. */
function entriesOfTar(tar: Buffer): Entry[] {
  const found: Entry[] = []
  const nothing = (): void => undefined
  const reader = createTarReader(
    {entry: (entry) => void found.push(entry), data: nothing, entryEnd: nothing},
    {entries: 1000},
  )
  reader.write(tar)
  reader.end()
  return found
}

describe('a zstd:chunked layer', () => {
  it('P26 has every entry and its content in its table of contents, and is zstd of the tar', async () => {
    await fc.assert(
      fc.asyncProperty(tree, fc.integer({min: 1, max: 70_000}), async (entries, step) => {
        const tar = tarOf(entries)
        const layer = await chunkedLayer(tar)
        expect(layer.obstacle).toBe(undefined)
        expect((await chunkedLayer(tar, step)).blob.equals(layer.blob)).toBe(true)
        expect((await expanded(layer.blob)).equals(tar)).toBe(true)

        const found = await entriesIn(layer)
        expect(found.map(({entry}) => entry)).toEqual(
          entriesOfTar(tar).map((entry) => ({
            ...entry,
            xattrs: entry.xattrs?.size ? entry.xattrs : undefined,
          })),
        )
        for (const [at, {place}] of found.entries()) {
          const expected = entries[at]?.[1] ?? new Uint8Array()
          expect(place === undefined).toBe(expected.length === 0)
          if (!place) continue
          expect(place.digest).toBe(digestOf(expected))
          const bytes = await expanded(layer.blob.subarray(place.at, place.end))
          expect(bytes.equals(expected)).toBe(true)
        }
      }),
      {numRuns: runs(1)},
    )
  })

  it('P26 has chunks that are the files, each with its digest', async () => {
    await fc.assert(
      fc.asyncProperty(content, async (bytes) => {
        const layer = await chunkedLayer(tarOf([fileEntry('a', bytes), fileEntry('b', 'b')]))
        const rows = (await tableIn(layer)).entries.filter((row) => row.name === 'a')
        if (rows.length < 2) return
        let offset = 0
        for (const [at, row] of rows.entries()) {
          const chunk = bytes.subarray(offset, offset + (row.chunkSize ?? 0))
          expect([row.chunkOffset ?? 0, row.chunkDigest]).toEqual([offset, digestOf(chunk)])
          const isZeros = chunk.length >= 1024 && chunk.every((byte) => byte === 0)
          expect(row.chunkType).toBe(isZeros ? 'zeros' : undefined)
          const end = rows[at + 1]?.offset ?? rows[0]?.endOffset
          expect((await expanded(layer.blob.subarray(row.offset, end))).equals(chunk)).toBe(true)
          offset += chunk.length
        }
        expect(offset).toBe(bytes.length)
      }),
      {numRuns: runs(1)},
    )
  })

  it('P26 is the tar again, from the tar-split and the files', async () => {
    await fc.assert(
      fc.asyncProperty(tree, async (entries) => {
        const tar = tarOf(entries)
        const layer = await chunkedLayer(tar)
        const stored = storedPart(layer, 'tarsplit')
        expect((await tableIn(layer)).tarSplitDigest).toBe(digestOf(stored))
        const lines = (await expanded(stored)).toString().trimEnd().split('\n')
        const parts = lines.map((line, position) => {
          const row = JSON.parse(line) as {type: number; position: number; payload: string | null}
          expect(row.position).toBe(position)
          return row
        })
        let file = 0
        const again = parts.map(({type, payload}) => {
          if (type === 2) return Buffer.from(payload ?? '', 'base64')
          const bytes = entries[file++]?.[1] ?? new Uint8Array()
          const crc = createCrc64()
          crc.update(bytes)
          expect(payload).toBe(bytes.length === 0 ? null : crc.value().toString('base64'))
          return bytes
        })
        expect(Buffer.concat(again).equals(tar)).toBe(true)
        expect(file).toBe(entries.length)
      }),
      {numRuns: runs(1)},
    )
  })

  it('ends with a footer that says what the annotations say', async () => {
    const {blob, annotations} = await chunkedLayer(tarOf([fileEntry('a', 'a')]))
    const footer = blob.subarray(-64)
    const numbers = Array.from({length: 7}, (_, at) => Number(footer.readBigUInt64LE(8 * at)))
    const key = 'io.github.containers.zstd-chunked'
    expect(annotations[`${key}.manifest-position`]).toBe(numbers.slice(0, 4).join(':'))
    expect(annotations[`${key}.tarsplit-position`]).toBe(numbers.slice(4).join(':'))
    expect(footer.toString('latin1', 56)).toBe('GNUlInUx')
    expect(blob.subarray(-72, -64)).toEqual(Buffer.from([0x50, 0x2a, 0x4d, 0x18, 64, 0, 0, 0]))
  })

  it('keeps most chunks of a file in which something was inserted', async () => {
    const bytes = randomBytes(2_000_000)
    const changed = Buffer.concat([
      bytes.subarray(0, 900_000),
      Buffer.from('new'),
      bytes.subarray(900_000),
    ])
    const chunksOf = async (content: Buffer) =>
      (await tableIn(await chunkedLayer(tarOf([fileEntry('a', content)])))).entries.map(
        ({chunkDigest}) => chunkDigest,
      )
    const [before, after] = [await chunksOf(bytes), new Set(await chunksOf(changed))]
    expect(before.length).toBeGreaterThan(10)
    expect(before.filter((digest) => !after.has(digest)).length).toBeLessThan(4)
  })

  it("cuts where podman's library cuts", async () => {
    const bytes = Buffer.alloc(600_000)
    let state = 1
    for (let at = 0; at < bytes.length; at++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      // runs of zeros that are chunks of their own, and some that are a byte too short for that
      const isZero = at % 150_000 > 140_000 || at % 50_000 < 1023
      bytes[at] = isZero ? 0 : state >>> 24
    }
    const {entries} = await tableIn(await chunkedLayer(tarOf([fileEntry('a', bytes)])))
    const cuts = entries.map(
      ({chunkOffset = 0, chunkSize = 0, chunkType = ''}) =>
        `${chunkOffset}+${chunkSize}${chunkType && ' '}${chunkType}`,
    )
    // what go.podman.io/storage 1.65.1 makes of it
    expect(cuts).toEqual([
      ...['0+133925', '133925+6076', '140001+11022 zeros', '151023+3916', '154939+6278'],
      ...['161217+128784', '290001+11022 zeros', '301023+41748', '342771+16102', '358873+1675'],
      ...['360548+79453', '440001+11022 zeros', '451023+98338', '549361+18699', '568060+4693'],
      ...['572753+10863', '583616+6385', '590001+9999 zeros'],
    ])
  })

  it('has the same bytes on every machine', async () => {
    const text = Buffer.from(Array.from({length: 300_000}, (_, at) => (at * at) % 253))
    const {blob} = await chunkedLayer(
      tarOf([fileEntry('text', text), fileEntry('zeros', Buffer.alloc(5000)), fileEntry('no', '')]),
    )
    expect(digestOf(blob)).toMatchInlineSnapshot(
      `"sha256:e288c393f44a959a76de4014c92346c4d24f850ac0ac508bb6c0fda9a21e29ee"`,
    )
  })

  it.each([
    ['a name that is not UTF-8', 'a\xff', 0],
    ['a time after year 9999', 'a', 253_402_300_800],
  ])('has no table of contents with %s', async (_, path, mtime) => {
    const [entry, bytes = Buffer.alloc(0)] = fileEntry(path, 'text')
    const layer = await chunkedLayer(tarOf([[{...entry, mtime}, bytes]]))
    expect(layer.annotations).toEqual({})
    expect(layer.obstacle).toMatch(/cannot hold the name or time of 'a/)
    expect((await expanded(layer.blob)).equals(layer.tar)).toBe(true)
  })
})

describe('CRC-64', () => {
  it('is that of ISO 3309', () => {
    const crc = createCrc64()
    crc.update(Buffer.from('1234'))
    crc.update(Buffer.from('56789'))
    expect(crc.value().toString('hex')).toBe('b90956c775a41001')
  })
})
