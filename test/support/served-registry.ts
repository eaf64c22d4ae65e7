import {request as httpRequest, type IncomingHttpHeaders} from 'node:http'
import {connect} from 'node:net'
import {join} from 'node:path'
import {describe, onTestFinished} from 'vitest'
import {digestOf} from '../../src/oci/digest.js'
import {ociConfig, ociLayer, ociManifest} from '../../src/oci/media-type.js'
import type {AccessRecord} from '../../src/server/http/access-record.js'
import {
  createRegistryServer,
  type RegistryServer,
  type RegistryServerOptions,
} from '../../src/server/registry-server.js'
import type {RepositoryRoot} from '../../src/store/repository.js'
import {openRepositoryRoot} from '../../src/store/served/open-root.js'
import {createMemoryRoot} from './memory-root.js'
import {tempDir} from './temp-dir.js'

export interface ServedRegistry extends RegistryServer {
  /** `127.0.0.1:PORT`. */
  readonly address: string
  readonly root: RepositoryRoot
  /** What was logged so far. */
  readonly records: AccessRecord[]
}

/** A registry of ours for the running test, in this process; over memory unless a root is given. */
export async function serveRegistry(
  options: Partial<RegistryServerOptions> = {},
): Promise<ServedRegistry> {
  const root = options.root ?? createMemoryRoot()
  const records: AccessRecord[] = []
  const server = createRegistryServer({root, log: (record) => records.push(record), ...options})
  onTestFinished(() => server.close(0))
  const {url} = await server.listen()
  return {...server, address: new URL(url).host, root, records}
}

/** Runs a suite once over memory and once over a folder. */
export function describeRoots(
  title: string,
  suite: (makeRoot: () => Promise<RepositoryRoot>) => void,
): void {
  describe(`${title}, in memory`, () => suite(() => Promise.resolve(createMemoryRoot())))
  describe(`${title}, on disk`, () =>
    suite(async () => {
      const root = await openRepositoryRoot(join(await tempDir(), 'root'), {create: true})
      onTestFinished(() => root.close())
      return root
    }))
}

export interface Response {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** The body as JSON. */
  readonly json: () => unknown
  /** The code of the first error in the body. */
  readonly code: string | undefined
}

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

/** One request, its path sent as it is. */
export async function send(
  address: string,
  method: string,
  path: string,
  {headers = {}, body}: RequestOptions = {},
): Promise<Response> {
  const {hostname, port} = new URL(`http://${address}`)
  const length = body === undefined ? {} : {'content-length': Buffer.byteLength(body)}
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {hostname, port, method, path, headers: {...length, ...headers}, agent: false},
      (response) => {
        // docker-registry ends some of its errors in the middle
        const body = response.toArray().catch(() => []) as Promise<Buffer[]>
        void body.then((chunks) => {
          const bytes = Buffer.concat(chunks)
          const {statusCode: status = 0, headers: received} = response
          const json = (): unknown => JSON.parse(bytes.toString())
          resolve({status, headers: received, body: bytes, json, code: codeIn(status, bytes)})
        })
      },
    )
    request.once('error', reject)
    request.end(body)
  })
}

function codeIn(status: number, body: Buffer): string | undefined {
  const text = body.toString()
  if (status < 400 || !text.startsWith('{')) return undefined
  return (JSON.parse(text) as {errors: {code: string}[]}).errors[0]?.code
}

/**
 * Sends these bytes as they are and gives all that comes back until the server ends the connection
 * (or `enough` has come).
 */
export async function sendRaw(
  address: string,
  text: string | Uint8Array,
  enough?: RegExp,
): Promise<string> {
  const {hostname, port} = new URL(`http://${address}`)
  const socket = connect(Number(port), hostname)
  let received = ''
  return new Promise((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1')
      if (enough?.test(received)) socket.destroy()
    })
    socket.once('close', () => resolve(received))
    socket.once('error', (error) => (received === '' ? reject(error) : resolve(received)))
    socket.write(text)
  })
}

/** A blob, uploaded in one request. */
export async function pushBlob(address: string, repository: string, content: string | Uint8Array) {
  const bytes = Buffer.from(content)
  const digest = digestOf(bytes)
  const path = `/v2/${repository}/blobs/uploads/?digest=${digest}`
  const {status} = await send(address, 'POST', path, {body: bytes})
  if (status !== 201) throw new Error(`${path} answered ${status}`)
  return {digest, size: bytes.length}
}

/** A manifest over a config and a layer, which are uploaded; `members` are added. */
export async function makeManifest(
  address: string,
  repository: string,
  members: Readonly<Record<string, unknown>> = {},
): Promise<Buffer> {
  const config = {mediaType: ociConfig, ...(await pushBlob(address, repository, '{}'))}
  const layer = {mediaType: ociLayer, ...(await pushBlob(address, repository, 'layer'))}
  return Buffer.from(
    JSON.stringify({schemaVersion: 2, mediaType: ociManifest, config, layers: [layer], ...members}),
  )
}

export function putManifest(
  address: string,
  path: string,
  body: Uint8Array | string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return send(address, 'PUT', `/v2/${path}`, {
    body,
    headers: {'content-type': ociManifest, ...headers},
  })
}
