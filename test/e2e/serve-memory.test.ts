import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import type {Digest} from '../../src/oci/digest.js'
import {openRepositoryRoot} from '../../src/store/served/open-root.js'
import {pushBlob, pushImage} from '../support/root-fixtures.js'
import {serveCommand} from '../support/serve-command.js'
import {send} from '../support/served-registry.js'
import {peakMemory, stalledClients} from '../support/stalled-clients.js'

const MiB = 1024 * 1024
const head = 'HTTP/1.1\r\nhost: localhost\r\n'

/** MiB, and milliseconds for the slowest answer. */
interface Limits {
  readonly memory: number
  readonly time?: number
}

/**
 * A root with a manifest of almost 4 MiB, `a:large`, a small one, `a:small`, and a blob of 64 MiB.
 * All servers have it one after the other: no attack gets as far as to write anything there.
 */
let root: string
let digest: Digest

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'inject-test-'))
  const made = await openRepositoryRoot(root, {create: true})
  const repository = await made.createRepository('a')
  await pushImage(repository, 'small', {layers: ['layer']})
  const members = {annotations: {note: 'x'.repeat(4 * MiB - 1000)}}
  await pushImage(repository, 'large', {layers: ['layer'], members})
  digest = await pushBlob(repository, Buffer.alloc(64 * MiB, 'layer'))
  await made.close()
})
afterAll(() => rm(root, {recursive: true}))

/** How long the slowest of some small requests takes, in milliseconds, while the attack goes on. */
async function slowestAnswer(address: string): Promise<number> {
  let slowest = 0
  for (let round = 0; round < 20; round++) {
    for (const path of ['/v2/', '/v2/a/manifests/small', '/v2/a/tags/list']) {
      const start = Date.now()
      expect((await send(address, 'GET', path)).status).toBe(200)
      slowest = Math.max(slowest, Date.now() - start)
    }
    await sleep(50)
  }
  return slowest
}

describe.runIf(process.platform === 'linux')('A6 what clients that read nothing cost', () => {
  const get = (path: string): string => `GET ${path} ${head}\r\n`
  // the number of connections alone takes some memory, and the kernel's buffers are filled first,
  // for minutes under load
  const attacks: [string, number, (digest: string) => string, Limits?][] = [
    [
      '20 connections, 64 manifests each',
      20,
      () => get('/v2/a/manifests/large').repeat(64),
      {memory: 250, time: 2000},
    ],
    ['2,000 connections, a manifest each', 2000, () => get('/v2/a/manifests/large')],
    ['500 connections, a blob each', 500, (digest) => get(`/v2/a/blobs/${digest}`), {memory: 340}],
    ['20 connections, 64 blobs each', 20, (digest) => get(`/v2/a/blobs/${digest}`).repeat(64)],
    [
      '200 connections, 64 HEADs each',
      200,
      () => `HEAD /v2/a/manifests/large ${head}\r\n`.repeat(64),
    ],
    [
      '200 connections, 64 pages, lists and errors each',
      200,
      (digest) =>
        [
          '/',
          '/repository/a',
          '/repository/a:large',
          '/v2/_catalog',
          '/v2/a/tags/list',
          `/v2/a/referrers/${digest}`,
          '/v2/a/manifests/none',
          '/nothing',
        ]
          .map(get)
          .join('')
          .repeat(8),
    ],
    [
      '300 connections, 60 requests with 8 KiB of headers each',
      300,
      () => `GET /v2/a/manifests/large ${head}x: ${'y'.repeat(8000)}\r\n\r\n`.repeat(60),
    ],
    [
      '150 connections, all but the last byte of a manifest each',
      150,
      () =>
        `PUT /v2/a/manifests/mine ${head}content-length: ${4 * MiB}\r\n\r\n${'x'.repeat(4 * MiB - 1)}`,
    ],
    [
      '150 connections, a manifest in chunks without its trailer each',
      150,
      () =>
        `PUT /v2/a/manifests/mine ${head}transfer-encoding: chunked\r\n\r\n300000\r\n${'x'.repeat(3 * MiB)}\r\n0\r\ntrailer: `,
    ],
  ]
  it.each(attacks)(
    '%s: memory is bounded, and others are served',
    {timeout: 120_000},
    async (title, count, text, {memory, time} = {memory: 400}) => {
      const {address, child} = await serveCommand(root, ['--log', 'none'])
      const before = peakMemory(child.pid)
      await stalledClients(address, count, text(digest))
      const slowest = await slowestAnswer(address)
      const peak = peakMemory(child.pid)
      console.log(
        `${title}: ${before.toFixed(0)} -> ${peak.toFixed(0)} MiB, slowest answer ${slowest} ms`,
      )
      expect(peak).toBeLessThan(memory)
      if (time !== undefined) expect(slowest).toBeLessThan(time)
    },
  )
})
