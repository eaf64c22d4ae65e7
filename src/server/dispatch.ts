import type {IncomingMessage} from 'node:http'
import type {Action, Identity} from './http/access.js'
import type {Answer} from './http/answer.js'
import type {Building} from './http/answer-in-room.js'
import {type Endpoint, endpoints} from './endpoints.js'
import {toRefusal} from './http/error-answer.js'
import type {RepositoryRoot} from '../store/repository.js'
import type {Exchange, Service} from './http/exchange.js'
import type {HostRule} from './http/host-rule.js'
import type {ServerMetrics} from './metrics.js'
import {refuseForeignWrite} from './http/origin-rule.js'
import {Refusal} from './http/refusal.js'
import {isPagePath, parseRoute, type Route, type RouteOf} from './http/route.js'

export interface DispatchOptions extends Service {
  readonly readOnly: boolean
  readonly hostRule: HostRule
  readonly metrics: ServerMetrics | undefined
  /** Serves pages for people. */
  readonly page: boolean
}

/** What is learned of a request on the way, for the log. */
export interface Trace {
  resource: string
  user: string | undefined
}

interface RequestParts extends Pick<Exchange, 'body' | 'memory' | 'signal'>, Building {
  readonly trace: Trace
}

/**
 * Finds out what a request asks for, whether it may, and answers it. Throws `Refusal`, and what the
 * store throws.
 */
export async function dispatch(
  request: IncomingMessage,
  parts: RequestParts,
  options: DispatchOptions,
): Promise<Answer> {
  const {trace} = parts
  refuseAmbiguity(request)
  const {path, query} = parseTarget(request.url ?? '')
  // also when it turns out to be none
  if (options.page && isPagePath(path)) trace.resource = 'page'
  // who watches over the process may call it anything
  if (path !== '/healthz') options.hostRule(request)
  refuseForeignWrite(request.method ?? '', request.headers)
  const route = parseRoute(path, options)
  trace.resource = route.kind
  return answerRoute(route, request, {...parts, query}, options)
}

async function answerRoute<Kind extends Route['kind']>(
  route: RouteOf<Kind>,
  request: IncomingMessage,
  {query, trace, isSmall, begin, body, memory, signal}: RequestParts & Pick<Exchange, 'query'>,
  options: DispatchOptions,
): Promise<Answer> {
  const {action, handle} = endpointOf(route, request.method ?? '', options)
  const identity = await admit(request, route, action, options)
  trace.user = identity?.user
  const exchange: Exchange<Kind> = {
    isHead: request.method === 'HEAD',
    route,
    query,
    headers: request.headers,
    identity,
    body,
    memory,
    signal,
  }
  const work = async (): Promise<Answer> => {
    begin()
    return answerOf(() => handle(exchange, options), options.root, route.kind)
  }
  if (route.kind === 'page') return options.turns.page.run(work)
  const isWhole = action === 'pull' && route.kind !== 'blob'
  return isWhole && !isSmall ? options.turns.read.run(work) : work()
}

/** What the endpoint answers, unless the root has gone meanwhile. */
async function answerOf(
  handle: () => Promise<Answer>,
  root: RepositoryRoot,
  kind: Route['kind'],
): Promise<Answer> {
  if (kind === 'metrics') return handle()
  await root.check()
  try {
    const answer = await handle()
    if (lists.has(kind)) await root.check()
    return answer
  } catch (error) {
    // what is not there may be so because all of it has gone just now
    if (toRefusal(error).status === 404) await root.check()
    throw error
  }
}

/** An empty list is what a folder that has gone looks like. */
const lists: ReadonlySet<Route['kind']> = new Set(['catalog', 'page', 'tags', 'referrers'] as const)

/**
 * What two readers on the way could take for different requests.
 * https://www.rfc-editor.org/rfc/rfc9112#section-3.2 and #section-6.1
 */
function refuseAmbiguity({headers, headersDistinct}: IncomingMessage): void {
  if ((headersDistinct['host']?.length ?? 0) > 1)
    throw new Refusal(400, 'UNSUPPORTED', 'the request names two hosts')
  const coding = headers['transfer-encoding']
  if (coding !== undefined && coding.toLowerCase() !== 'chunked')
    throw new Refusal(501, 'UNSUPPORTED', 'no transfer coding but chunked is known here')
}

/**
 * A path and its parameters; only the form that clients send to a server itself.
 * https://www.rfc-editor.org/rfc/rfc9112#section-3.2.1
 */
function parseTarget(target: string): {path: string; query: URLSearchParams} {
  if (!target.startsWith('/')) throw new Refusal(400, 'UNSUPPORTED', 'the request names no path')
  const mark = target.indexOf('?')
  if (mark < 0) return {path: target, query: new URLSearchParams()}
  return {path: target.slice(0, mark), query: new URLSearchParams(target.slice(mark + 1))}
}

function endpointOf<Kind extends Route['kind']>(
  {kind}: RouteOf<Kind>,
  method: string,
  {readOnly, metrics}: DispatchOptions,
): Endpoint<Kind> {
  if (kind === 'metrics' && metrics === undefined)
    throw new Refusal(404, 'UNSUPPORTED', 'no such endpoint')
  const methods: Readonly<Record<string, Endpoint<Kind> | undefined>> = endpoints[kind]
  const isTaken = ({action}: Endpoint<Kind>): boolean =>
    !readOnly || (action !== 'push' && action !== 'delete')
  const found = Object.hasOwn(methods, method) ? methods[method] : undefined
  if (found !== undefined && isTaken(found)) return found
  const allow = Object.keys(methods)
    .filter((name) => methods[name] !== undefined && isTaken(methods[name]))
    .join(', ')
  const isReadOnly = found !== undefined || allow === ''
  const message = isReadOnly ? 'this registry is read-only' : `the methods here are ${allow}`
  throw new Refusal(405, 'UNSUPPORTED', message, {headers: {allow}})
}

/**
 * Throws `Refusal`: 401 for wrong credentials and for none if some are needed, 403 for a user who
 * is not allowed to.
 */
async function admit(
  {headers, socket}: IncomingMessage,
  {kind, repository}: {readonly kind: Route['kind']; readonly repository?: string},
  action: Action,
  {access}: Service,
): Promise<Identity> {
  // who watches over the process has no password
  if (kind === 'health') return undefined
  const identity = await access.identify(headers.authorization, socket.remoteAddress)
  if (identity !== false && access.allows(identity, action, repository)) return identity
  if (identity)
    throw new Refusal(403, 'DENIED', `${identity.user} is not allowed to ${action} here`)
  throw new Refusal(401, 'UNAUTHORIZED', 'authentication required', {
    headers: access.challenge === undefined ? {} : {'www-authenticate': access.challenge},
  })
}
