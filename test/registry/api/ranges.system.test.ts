import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {digestOf} from '../../../src/oci/digest.js'
import {readsRanges} from '../../../src/store/range-reader.js'
import {type Answer, type SeenRequest, startFakeServer} from '../../support/fake-server.js'
import {openRegistry} from '../../support/open-registry.js'
import {runs} from '../../support/property-runs.js'
import {pushBlob, serveRegistry} from '../../support/served-registry.js'

const size = 60_000
const content = Buffer.from(Array.from({length: size}, (_, index) => (index * 7) % 251))
const blob = {digest: digestOf(content), size}
const ranges = [
  {offset: 100, length: 50},
  {offset: 0, length: 3},
  {offset: 150, length: 1},
  {offset: size - 1, length: 1},
]
const expected = ranges.map(({offset, length}) => content.toString('hex', offset, offset + length))

const hex = (parts: readonly Uint8Array[] | undefined) =>
  parts?.map((bytes) => Buffer.from(bytes).toString('hex'))

function rangesOf(address: string) {
  const {store} = openRegistry(address, {repository: 'a'})
  if (!readsRanges(store)) throw new Error('a registry reads ranges')
  return store
}

const part = (first: number, last: number, total: number | string = size): string =>
  `\r\n--b:1\r\nContent-Range: bytes ${first}-${last}/${total}\r\n\r\n${content.toString('latin1', first, last + 1)}`

const multipart = (body: string, type = 'multipart/byteranges; boundary="b:1"'): Answer => {
  return {status: 206, headers: {'content-type': type}, body: Buffer.from(body, 'latin1')}
}

/** Answers one range as it should be, and several with `several`. */
const answering =
  (several: Answer) =>
  (request: SeenRequest): Answer => {
    const {range = ''} = request.headers
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? []
    if (from === undefined) return several
    const [first, last] = [Number(from), Number(to)]
    return {
      status: 206,
      headers: {'content-range': `bytes ${first}-${last}/${size}`},
      body: content.subarray(first, last + 1),
    }
  }

// eslint-disable-next-line @typescript-eslint/require-await -- nothing to wait for
async function* large(): AsyncGenerator<Uint8Array, void, undefined> {
  for (let count = 0; count < 9; count++) yield content
}

describe('several ranges', () => {
  it('that touch come as one', async () => {
    const {address} = await serveRegistry()
    await pushBlob(address, 'a', content)
    const touching = [
      {offset: 10, length: 5},
      {offset: 15, length: 5},
    ]
    expect(hex(await rangesOf(address).readRanges(blob, touching))).toEqual([
      content.toString('hex', 10, 15),
      content.toString('hex', 15, 20),
    ])
  })

  it('come from our own server in one request', async () => {
    const {address, records} = await serveRegistry()
    await pushBlob(address, 'a', content)
    const before = records.length
    expect(hex(await rangesOf(address).readRanges(blob, ranges))).toEqual(expected)
    expect(records.slice(before).map(({status}) => status)).toEqual([206])
  })

  it('are the bytes of the blob, whatever the ranges', async () => {
    const {address} = await serveRegistry()
    await pushBlob(address, 'a', content)
    const store = rangesOf(address)
    const range = fc
      .tuple(fc.nat(size - 1), fc.integer({min: 1, max: 500}))
      .map(([offset, length]) => ({offset, length: Math.min(length, size - offset)}))
    await fc.assert(
      fc.asyncProperty(fc.array(range, {maxLength: 600}), async (list) => {
        const parts = await store.readRanges(blob, list)
        expect(Buffer.concat(parts ?? [])).toEqual(
          Buffer.concat(list.map(({offset, length}) => content.subarray(offset, offset + length))),
        )
      }),
      {numRuns: runs(0.1)},
    )
  })

  it.each<[string, Answer]>([
    [
      'parts in another order',
      multipart(`${part(0, 2)}${part(59_999, 59_999)}${part(100, 150)}\r\n--b:1--`),
    ],
    ['parts without an end', multipart(`${part(0, 150)}${part(59_999, 59_999, '*')}`)],
  ])('are taken from %s', async (_, answer) => {
    const server = await startFakeServer(answering(answer))
    expect(hex(await rangesOf(server.address).readRanges(blob, ranges))).toEqual(expected)
    expect(server.requests).toHaveLength(1)
  })

  it.each<[string, Answer]>([
    ['sends all of the blob', {body: content}],
    ['refuses', {status: 400}],
    ['finds none', {status: 416}],
    ['leaves one out', multipart(`${part(0, 2)}${part(100, 150)}\r\n--b:1--`)],
    ['ends in the middle of one', multipart(`${part(59_999, 59_999)}${part(0, 150).slice(0, -1)}`)],
    ['has other sizes', multipart(`${part(0, 150, 99_999)}${part(59_999, 59_999)}`)],
    ['does not say which', multipart('\r\n--b:1\r\n\r\nxyz\r\n--b:1--')],
    [
      'has no boundary',
      multipart(`${part(0, 150)}${part(59_999, 59_999)}`, 'multipart/byteranges'),
    ],
  ])('are asked for one by one when the server %s', async (_, answer) => {
    const server = await startFakeServer(answering(answer))
    const store = rangesOf(server.address)
    expect(hex(await store.readRanges(blob, ranges))).toEqual(expected)
    expect(hex(await store.readRanges(blob, ranges))).toEqual(expected)
    // asked for together once
    expect(server.requests).toHaveLength(1 + 2 * ranges.length)
  })

  it('are not there where the server has no ranges', async () => {
    const server = await startFakeServer(() => ({body: content}))
    expect(await rangesOf(server.address).readRanges(blob, ranges)).toBe(undefined)
  })

  it('T-23 that are larger than what was asked for are refused', async () => {
    // without a length; what says its length is not read at all
    const server = await startFakeServer(answering({...multipart(''), body: large()}))
    await expect(rangesOf(server.address).readRanges(blob, ranges)).rejects.toMatchObject({
      code: 'ERR_INJECT_TOO_LARGE',
    })
  })
})
