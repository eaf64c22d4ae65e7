import {once} from 'node:events'
import {readdir, readFile} from 'node:fs/promises'
import {connect, type Socket} from 'node:net'
import {join} from 'node:path'
import {expect, it, onTestFinished} from 'vitest'
import {serveCommand} from '../support/serve-command.js'
import {makeManifest, pushBlob, putManifest, send} from '../support/served-registry.js'
import {tempDir} from '../support/temp-dir.js'

const idle = 500
const slow = 50

it.runIf(process.platform === 'linux')(
  `X14 beside ${idle} idle and ${slow} slow clients others are served, in bounded memory, and nothing stays open`,
  async () => {
    const {address, child} = await serveCommand(join(await tempDir(), 'root'), ['--log', 'none'])
    const processFolder = `/proc/${child.pid ?? 0}`
    const countFiles = async (): Promise<number> => (await readdir(`${processFolder}/fd`)).length
    const manifest = await makeManifest(address, 'a')
    expect((await putManifest(address, 'a/manifests/v1', manifest)).status).toBe(201)
    const {digest} = await pushBlob(address, 'a', Buffer.alloc(64 * 1024 * 1024, 'layer'))
    await expect.poll(() => send(address, 'GET', '/v2/').then(({status}) => status)).toBe(200)
    const before = await settled(countFiles)

    const open = async (text: string): Promise<Socket> => {
      const [host = '', port] = address.split(':')
      const socket = connect(Number(port), host)
      onTestFinished(() => void socket.destroy())
      socket.on('error', () => undefined)
      await once(socket, 'connect')
      socket.write(text)
      return socket
    }
    // some have asked before, some say nothing, some stop in the middle of a request
    const beginnings = [
      'GET /v2/ HTTP/1.1\r\nhost: localhost\r\n\r\n',
      '',
      'GET /v2/ HTTP/1.1\r\nhost:',
    ]
    const sockets: Socket[] = []
    for (let at = 0; at < idle; at++) sockets.push(await open(beginnings[at % 3] ?? ''))
    for (let at = 0; at < slow; at++) {
      if (at % 2 === 0) {
        // takes the first bytes of a large blob and no more
        const socket = await open(`GET /v2/a/blobs/${digest} HTTP/1.1\r\nhost: localhost\r\n\r\n`)
        await once(socket, 'readable')
        sockets.push(socket)
      } else {
        const {headers} = await send(address, 'POST', '/v2/a/blobs/uploads/')
        const path = headers.location ?? ''
        const length = 'content-length: 1000000'
        sockets.push(
          await open(`PATCH ${path} HTTP/1.1\r\nhost: localhost\r\n${length}\r\n\r\nfirst bytes`),
        )
      }
    }
    await expect.poll(countFiles).toBeGreaterThanOrEqual(before + idle + slow)

    for (let round = 0; round < 50; round++) {
      const answers = await Promise.all([
        send(address, 'HEAD', '/v2/a/manifests/v1'),
        send(address, 'HEAD', `/v2/a/blobs/${digest}`),
        send(address, 'GET', '/v2/a/manifests/v1'),
        pushBlob(address, 'a', `small ${round}`),
      ])
      expect(answers.slice(0, 3)).toMatchObject([{status: 200}, {status: 200}, {status: 200}])
    }
    const status = await readFile(`${processFolder}/status`, 'latin1')
    const peak = Number(/VmHWM:\s*(\d+) kB/.exec(status)?.[1]) / 1024
    expect(peak).toBeLessThan(200)

    for (const socket of sockets) socket.destroy()
    await expect.poll(countFiles, {timeout: 20_000}).toBeLessThanOrEqual(before)
  },
)

/** A number that has stopped changing. */
async function settled(count: () => Promise<number>): Promise<number> {
  for (let last = await count(); ;) {
    await new Promise((resolve) => setTimeout(resolve, 300))
    const next = await count()
    if (next === last) return next
    last = next
  }
}
