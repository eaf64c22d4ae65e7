import {randomUUID} from 'node:crypto'
import type {IncomingMessage, ServerResponse} from 'node:http'
import type {AccessRecord} from './http/access-record.js'
import type {Answer} from './http/answer.js'
import {answerInRoom, type AnswerSizes, type Building} from './http/answer-in-room.js'
import type {BodyMemory} from './http/body-memory.js'
import {createDelivery} from './http/delivery.js'
import {dispatch, type DispatchOptions, type Trace} from './dispatch.js'
import {errorAnswer, toRefusal} from './http/error-answer.js'
import {clientClosedRequest, type Refusal} from './http/refusal.js'
import {pageOfRefusal} from './page/frame.js'
import {createIncomingBody} from './http/incoming-body.js'
import {sendAnswer} from './http/send-answer.js'
import {monotonicTime} from '../disk/clock.js'
import {InjectError} from '../errors.js'

export interface RequestOptions extends DispatchOptions {
  readonly log: (record: AccessRecord) => void
  /** The server's end: whatever still runs is given up. */
  readonly signal: AbortSignal
  readonly memory: BodyMemory
  readonly sizes: AnswerSizes
  /** No further request is wanted on a connection. */
  readonly isClosing: () => boolean
}

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
const longestTarget = 512

/** Answers one request, whatever happens on the way, and logs it. Never throws. */
export async function serveRequest(
  request: IncomingMessage,
  response: ServerResponse,
  options: RequestOptions,
): Promise<void> {
  const {limits, metrics, log} = options
  const time = Date.now()
  const start = monotonicTime()
  const finish = metrics?.begin()
  const id = requestId(request)
  const trace: Trace = {resource: 'none', user: undefined}
  const memory = options.memory.open(() => request.socket.destroy())
  const body = createIncomingBody(request, {
    limits,
    memory,
    proceed: () => request.headers.expect !== undefined && response.writeContinue(),
  })
  const delivery = createDelivery(response, limits, memory)
  const {signal, release} = signalOf(response, options.signal)
  response.setHeader('X-Request-Id', id)
  response.setHeader('X-Content-Type-Options', 'nosniff')
  response.setHeader('Docker-Distribution-API-Version', 'registry/2.0')

  let refusal: Refusal | undefined
  let sent = 0
  const send = (answer: Answer): Promise<number> => {
    // of a client that stalls nobody waits for the rest
    if (options.isClosing() || answer.status === 408) response.shouldKeepAlive = false
    return sendAnswer(answer, request, response, {body, delivery})
  }
  // people get an error that they can read, programs the specification's
  const answerTo = (error: Refusal): Answer =>
    trace.resource === 'page' ? pageOfRefusal(error) : errorAnswer(error)
  try {
    const build = (building: Building) =>
      dispatch(request, {body, memory, signal, trace, ...building}, options)
    const target = request.method === 'GET' ? request.url : undefined
    const room = {memory, signal, target, sizes: options.sizes}
    const answer = await answerInRoom(build, room).catch((error: unknown) => {
      refusal = toRefusal(error)
      return answerTo(refusal)
    })
    sent = await send(answer)
  } catch (error) {
    refusal = toRefusal(error)
    const mayAnswer = !response.headersSent && !response.destroyed
    // with half an answer out, all that can be said is that it is not whole
    if (!mayAnswer) response.destroy()
    else await send(answerTo(refusal)).catch(() => response.destroy())
  } finally {
    release()
    memory.release()
  }
  const isGone = response.destroyed && !response.writableFinished
  const record: AccessRecord = {
    time,
    id,
    remote: request.socket.remoteAddress ?? '',
    user: trace.user,
    method: methods.has(request.method ?? '') ? (request.method ?? '') : 'other',
    target: (request.url ?? '').slice(0, longestTarget),
    resource: trace.resource,
    status:
      isGone && refusal?.status !== 500
        ? clientClosedRequest
        : (refusal?.status ?? response.statusCode),
    received: body.received,
    sent,
    milliseconds: monotonicTime() - start,
    agent: request.headers['user-agent'],
    error: refusal && reasonOf(refusal),
  }
  finish?.(record)
  if (refusal?.reason !== undefined) metrics?.refused(refusal.reason)
  log(record)
}

/** The one that a gateway gave it, when it is harmless to repeat. */
function requestId({headers}: IncomingMessage): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID()
}

function signalOf(
  response: ServerResponse,
  parent: AbortSignal,
): {signal: AbortSignal; release: () => void} {
  const controller = new AbortController()
  const abort = (): void => controller.abort(new DOMException('the request is over', 'AbortError'))
  const onClose = (): void => {
    if (!response.writableFinished) abort()
  }
  response.once('close', onClose)
  parent.addEventListener('abort', abort, {once: true})
  if (parent.aborted) abort()
  return {
    signal: controller.signal,
    release() {
      response.off('close', onClose)
      parent.removeEventListener('abort', abort)
    },
  }
}

/** With what the client is not told. */
function reasonOf({message, cause, status}: Refusal): string {
  if (!(cause instanceof Error)) return message
  // the log is for those who can do something about it
  const hint = cause instanceof InjectError && status >= 500 ? cause.hint : undefined
  return [message, cause.message, ...(hint === undefined ? [] : [hint])].join(': ')
}
