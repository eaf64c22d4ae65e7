import {IntegrityError} from '../errors.js'
import {quoted} from '../oci/quoted.js'
import type {ByteStream} from '../store/content-store.js'
import type {Call, Connection} from './connection.js'
import {displayRequest} from './endpoint.js'
import type {HttpResponse} from './http.js'
import {TransportError} from './transport-error.js'

/** How often in a row a body may break off without having brought a byte. */
const maxIdleBreaks = 3

/**
 * Opens a body and, when it breaks off, goes on from where it was: with a range where the registry knows those, else by reading past what
 * was handed on already. Whether the parts make the right whole of `size` bytes is for a verifying reader to say. Throws `NotFoundError` and the like at
 * the opening, `NetworkError` when it breaks off for good.
 */
export async function resumed(
  connection: Connection,
  call: Omit<Call, 'accept'>,
  size: number,
): Promise<ByteStream> {
  const opened = await open(connection, call, 0)
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
      idleBreaks = given > before ? 0 : idleBreaks + 1
      // its retries end with the error that a single try would have had
      if (idleBreaks > maxIdleBreaks)
        await connection.withRetries(() => Promise.reject(error), {attempts: 1})
    }
    opened = await open(connection, call, given)
  }
}

/** Otherwise its end and a broken connection look the same. */
function saysItsEnd({headers}: HttpResponse): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
}

interface Opened {
  readonly response: HttpResponse
  /** The offset of the body's first byte. */
  readonly from: number
}

function open(connection: Connection, call: Omit<Call, 'accept'>, offset: number): Promise<Opened> {
  const headers = offset > 0 ? {...call.headers, range: `bytes=${offset}-`} : call.headers
  const accept = offset > 0 ? [200, 206] : [200]
  return connection.call({...call, accept, ...(headers && {headers})}, async (response) => {
    refuseEncoding(call, response)
    const from = response.status === 206 ? offset : 0
    if (response.status === 206 && rangeStart(response) !== offset) {
      await response.discard()
      throw new TransportError(
        'ERR_RANGE',
        `${displayRequest(call)}: the registry answered with another range than asked for`,
      )
    }
    return {response, from}
  })
}

function rangeStart({headers}: HttpResponse): number | undefined {
  const found = /^bytes (\d{1,15})-/.exec(headers['content-range'] ?? '')
  return found ? Number(found[1]) : undefined
}

/** We ask for the bytes themselves; whoever encodes them anyway gives us others. */
export function refuseEncoding(call: Pick<Call, 'method' | 'url'>, response: HttpResponse): void {
  const encoding = response.headers['content-encoding']
  if (encoding === undefined || encoding === 'identity' || encoding === '') return
  void response.discard()
  throw new IntegrityError(
    'ERR_INJECT_CONTENT_ENCODED',
    `${displayRequest(call)}: the answer came encoded as ${quoted(encoding, 40)}, not as it is`,
    {hint: 'a proxy before the registry compresses what it must not change'},
  )
}
