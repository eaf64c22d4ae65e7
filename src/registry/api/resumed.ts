import {IntegrityError} from '../../errors.js'
import {quoted} from '../../oci/quoted.js'
import type {ByteStream} from '../../store/content-store.js'
import type {Call, Connection} from './connection.js'
import {displayRequest} from '../net/endpoint.js'
import type {HttpResponse} from '../net/http.js'
import {TransportError} from '../net/transport-error.js'

/** How often in a row a body may break off without bringing much. */
const maxIdleBreaks = 3
/**
 * A connection that brought less counts as useless: a server that drips and drops would keep the
 * client busy forever.
 */
const worthwhile = 64 * 1024

/**
 * Opens a body and, when it breaks off, continues from that offset: with a range if the registry
 * supports ranges, else by skipping what was already passed on. A verifying reader must check that
 * the parts make the right whole of `size` bytes. Throws `NotFoundError` and the like on opening,
 * `NetworkError` when it breaks off for good.
 */
export async function resumed(
  connection: Connection,
  call: Omit<Call, 'accept'>,
  size: number,
): Promise<ByteStream> {
  const opened = await openWhole(connection, call)
  return continued(connection, call, size, opened)
}

async function* continued(
  connection: Connection,
  call: Omit<Call, 'accept'>,
  size: number,
  first: Opened,
): AsyncGenerator<Uint8Array, void, undefined> {
  let given = 0
  let idleBreaks = 0
  for (let opened = first; ;) {
    const before = given
    let position = opened.from
    try {
      for await (const chunk of opened.response.body) {
        const fresh = chunk.subarray(Math.max(0, given - position))
        position += chunk.length
        if (fresh.length === 0) continue
        given += fresh.length
        yield fresh
      }
      if (given >= size || saysItsEnd(opened.response)) return
      throw new TransportError('ERR_STREAM_PREMATURE_CLOSE', `${displayRequest(call)}: ended early`)
    } catch (error) {
      if (!(error instanceof TransportError)) throw error
      idleBreaks = given - before >= worthwhile ? 0 : idleBreaks + 1
      if (idleBreaks > maxIdleBreaks) throw connection.failureOf(error)
    }
    opened = await openRest(connection, call, given, size)
  }
}

/** Without these headers, the end of the body looks like a broken connection. */
function saysItsEnd({headers}: HttpResponse): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
}

interface Opened {
  readonly response: HttpResponse
  /** The offset of the body's first byte. */
  readonly from: number
}

function openWhole(connection: Connection, call: Omit<Call, 'accept'>): Promise<Opened> {
  return connection.call({...call, accept: [200]}, (response) => {
    refuseEncoding(call, response)
    refusePage(call, response)
    return Promise.resolve({response, from: 0})
  })
}

/**
 * Opens from `offset`, or from the start if the registry does not support ranges or returns the
 * wrong one.
 */
async function openRest(
  connection: Connection,
  call: Omit<Call, 'accept'>,
  offset: number,
  size: number,
): Promise<Opened> {
  if (offset === 0) return openWhole(connection, call)
  const headers = {...call.headers, range: `bytes=${offset}-`}
  const opened = await connection.call(
    {...call, accept: [200, 206, 416], headers},
    async (response) => {
      if (response.status === 200 || isRest(response, offset, size)) {
        refuseEncoding(call, response)
        return {response, from: response.status === 200 ? 0 : offset}
      }
      await response.discard()
      return undefined
    },
  )
  return opened ?? openWhole(connection, call)
}

/** https://www.rfc-editor.org/rfc/rfc9110#name-content-range */
function isRest({status, headers}: HttpResponse, offset: number, size: number): boolean {
  const [, first, total] =
    /^bytes (\d{1,15})-\d{1,15}\/(\d{1,15}|\*)$/.exec(headers['content-range'] ?? '') ?? []
  return status === 206 && Number(first) === offset && (total === '*' || Number(total) === size)
}

/** Refuses the page of a login or a proxy, which has the status of the answer that it replaces. */
export function refusePage(
  call: Parameters<typeof displayRequest>[0],
  response: HttpResponse,
): void {
  if (!/^\s*text\/html\b/i.test(response.headers['content-type'] ?? '')) return
  void response.discard()
  throw notARegistry(call, 'is a web page')
}

/** `what`: what the answer is instead. */
export function notARegistry(
  call: Parameters<typeof displayRequest>[0],
  what: string,
): IntegrityError {
  return new IntegrityError(
    'ERR_INJECT_NOT_A_REGISTRY',
    `${displayRequest(call)}: the answer ${what}, this is not a registry`,
    {hint: 'check the host and the port; a login page or a proxy may be in between'},
  )
}

/**
 * Refuses an encoded body: the request asks for the bytes as they are, and encoded bytes differ.
 */
export function refuseEncoding(
  call: Parameters<typeof displayRequest>[0],
  response: HttpResponse,
): void {
  const encoding = response.headers['content-encoding']
  if (encoding === undefined || encoding === 'identity' || encoding === '') return
  void response.discard()
  throw new IntegrityError(
    'ERR_INJECT_CONTENT_ENCODED',
    `${displayRequest(call)}: the answer came encoded as ${quoted(encoding, 40)}, not as it is`,
    {hint: 'a proxy before the registry compresses what it must not change'},
  )
}
