import type {IncomingMessage, ServerResponse} from 'node:http'
import {makeCertificate} from '../certificate.js'
import {createFakeRegistry, type FakeRegistry, registryError} from '../fake-registry.js'
import type {Answer, SeenRequest} from '../fake-server.js'
import {createTokenService} from '../token-server.js'
import type {Content} from './content.js'
import {type Fault, send} from './faults.js'
import type {Kind} from './kinds.js'
import {startHost} from './network.js'

/** The user of all runs; every secret has this word in it. */
export const canary = 'canary'
export const user = {username: 'tester', password: `p:w-${canary}`}
export const identityToken = `identity-${canary}`
const repository = 'team/app'

export interface ScriptedRegistry {
  /** `NAME:PORT`. */
  readonly address: string
  /** Of the registry that speaks TLS. */
  readonly certificate: string | undefined
  readonly registry: FakeRegistry
  /** All that came, in order. */
  readonly requests: SeenRequest[]
  /** How many requests or connections have met the fault. */
  faults(): number
  /** What somebody got to see who should not have. */
  readonly leaks: string[]
  /** Connections of the client that are open. */
  open(): number
  close(): Promise<void>
}

export interface Script {
  readonly kind: Kind
  readonly fault?: Fault | undefined
  /** How many requests or connections meet it. */
  readonly times: number
  /**
   * How many requests come before the first one of the kind: where faults of the connection begin.
   */
  readonly before: number
  /** What is there in the beginning. */
  readonly content: Content
}

/** A registry with a token server that does all right but for what the script says. */
export async function startScriptedRegistry({
  kind,
  fault,
  times,
  before,
  content,
}: Script): Promise<ScriptedRegistry> {
  const registry = createFakeRegistry()
  for (const [digest, bytes] of content.blobs) registry.blobs.set(digest, bytes)
  for (const [digest, manifest] of content.manifests) registry.manifests.set(digest, manifest)
  for (const [tag, digest] of content.tags) registry.tags.set(tag, digest)

  const requests: SeenRequest[] = []
  const leaks: string[] = []
  let met = 0
  let troubled = false
  let certificate: string | undefined
  const tls = fault?.tls
    ? (name: string) => {
        const made = makeCertificate({host: name})
        certificate = made.certificate
        return {key: made.key, cert: made.certificate}
      }
    : undefined
  const realm = (): string => `${tls ? 'https' : 'http'}://${host.address}/token`
  const tokens = createTokenService(realm, {
    login: `${user.username}:${user.password}`,
    ...(kind.credential && {identityToken}),
  })
  const challenge = (): string =>
    `Bearer realm="${realm()}",service="fake",scope="repository:${repository}:pull,push"`

  /** What a registry without faults would do. */
  const done = async (request: SeenRequest): Promise<Answer> => {
    const {method, path, query} = request
    if (path === '/token') return withLength(await tokens.handler(request))
    if (path === '/v2/') return refused(challenge())
    const guarded = tokens.guard(request)
    if (guarded) return kind.quiet ? refused(undefined) : guarded
    return answer(request, method, path, query)
  }

  const answer = async (
    request: SeenRequest,
    method: string,
    path: string,
    query: URLSearchParams,
  ): Promise<Answer> => {
    if (method === 'POST' && query.has('mount')) {
      if (kind.withoutMount) return registryError(404, 'UNSUPPORTED')
      const digest = query.get('mount') ?? ''
      if (registry.blobs.has(digest)) return {status: 201, headers: {'content-length': '0'}}
    }
    const range = /^(\d+)-(\d+)$/.exec(request.headers['content-range'] ?? '')
    const session = registry.uploads.get(path.replace(/^.*\//, ''))
    if (method === 'PATCH' && range && session && Number(range[1]) !== session.length) {
      const location = `${path}?_state=${canary}`
      return {
        ...registryError(416, 'RANGE_INVALID'),
        headers: {'content-length': '0', location, range: `0-${session.length - 1}`},
      }
    }
    const given = await registry.handler(request)
    const to = given.headers?.['location']
    // a signed address: nobody but the registry is to see its query
    const location = typeof to === 'string' && {location: `${to}&sig=${canary}`}
    return withLength({...given, headers: {...given.headers, ...location}})
  }

  const other = await startHost({
    meet: () => ({kind: 'server'}),
    listener: (incoming, outgoing) => {
      void read(incoming)
        .then(async (request) => {
          if (JSON.stringify(request.headers).includes(canary))
            leaks.push(`${request.method} ${request.path}: ${JSON.stringify(request.headers)}`)
          const name =
            request.path === '/token'
              ? done
              : (seen: SeenRequest) => answer(seen, seen.method, seen.path, seen.query)
          await send({request, outgoing}, await name(request))
        })
        .catch(() => outgoing.destroy())
    },
  })

  const listener = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    handle(incoming, outgoing).catch(() => outgoing.destroy())
  }
  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const request = await read(incoming)
    requests.push(request)
    // so that the next request needs a connection of its own
    if (fault?.meeting && requests.length === before) outgoing.setHeader('connection', 'close')
    if (kind.trouble?.isIt(request) && !troubled) {
      troubled = true
      if (kind.trouble.status === undefined) incoming.socket.resetAndDestroy()
      else await send({request, outgoing}, registryError(kind.trouble.status, 'UNKNOWN'))
      return
    }
    const isMet = kind.isIt(request) && !request.query.has('redirected')
    if (fault?.act && isMet && met < times) {
      if (!request.query.has('hop')) met++
      await fault.act({
        request,
        outgoing,
        done: () => done(request),
        elsewhere: `http://${other.address}`,
        challenge: challenge(),
        revoke: () => tokens.revoke(),
      })
      return
    }
    await send({request, outgoing}, await done(request))
  }
  const host = await startHost({
    listener,
    tls,
    meet: () => {
      if (!fault?.meeting || requests.length < before || met >= times) return {kind: 'server'}
      met++
      return fault.meeting()
    },
  })
  return {
    address: host.address,
    certificate,
    registry,
    requests,
    leaks,
    faults: () => met,
    open: () => host.open() + other.open(),
    async close() {
      await Promise.all([host.close(), other.close()])
    },
  }
}

async function read(incoming: IncomingMessage): Promise<SeenRequest> {
  const url = new URL(incoming.url ?? '/', 'http://x')
  const body = Buffer.concat((await incoming.toArray()) as Buffer[])
  return {
    method: incoming.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    headers: incoming.headers,
    body,
  }
}

function refused(challenge: string | undefined): Answer {
  const plain = registryError(401, 'UNAUTHORIZED')
  return {
    ...plain,
    headers: {...plain.headers, ...(challenge !== undefined && {'www-authenticate': challenge})},
  }
}

function withLength(answer: Answer): Answer {
  const {status = 200, body = '', headers = {}} = answer
  if ('content-length' in headers || status === 204) return answer
  return {
    ...answer,
    headers: {...headers, 'content-length': String(Buffer.byteLength(body as string))},
  }
}
