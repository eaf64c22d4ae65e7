import type {IncomingMessage, ServerResponse} from 'node:http'
import type {ByteStream} from '../../store/content-store.js'
import type {Answer} from './answer.js'
import {type Delivery, pieceSize} from './delivery.js'
import type {IncomingBody} from './incoming-body.js'

/**
 * What is left of a body that nobody wants is read for so long and so far, so that the client gets
 * to see the answer before the connection ends.
 */
const lingerTime = 1000
const lingerSize = 1024 * 1024
/** So much Node may read away by itself, to keep the connection. */
const smallBody = 64 * 1024

/**
 * Sends an answer whole; returns how many bytes of body went out, when the system has taken them.
 * Throws when the client goes away or the stream fails: when `headersSent` by then, the connection
 * must be ended, so that nobody takes a part for all.
 */
export async function sendAnswer(
  answer: Answer,
  request: IncomingMessage,
  response: ServerResponse,
  {body, delivery}: {readonly body: IncomingBody; readonly delivery: Delivery},
): Promise<number> {
  const isLeft = body.isUnread()
  // a client that still waits for its "100 Continue" may send the body or not: nobody could tell
  // what comes next
  const isWaiting = request.headers.expect !== undefined && body.received === 0
  const lingers = isLeft && (isWaiting || (body.length ?? Infinity) - body.received > smallBody)
  if (lingers) response.shouldKeepAlive = false
  const begin = (): void => {
    response.writeHead(answer.status, answer.headers as Record<string, string | number | string[]>)
  }
  let sent = 0
  const content = request.method === 'HEAD' ? undefined : answer.body
  if (content === undefined || content instanceof Uint8Array) begin()
  if (content instanceof Uint8Array) {
    sent = content.length
    // head and body in one packet
    if (!lingers && content.length <= pieceSize) await delivery.end(content)
    else await delivery.write(content)
  } else if (content !== undefined) sent = await sendStream(content, response, {begin, delivery})
  if (lingers) {
    response.flushHeaders()
    await readAway(request)
  }
  if (!response.writableEnded) await delivery.end()
  return sent
}

/**
 * The last chunk waits until the stream has ended well: content that turns out to be damaged never
 * looks complete, and of a small one nothing is out yet.
 */
async function sendStream(
  stream: ByteStream,
  response: ServerResponse,
  {begin, delivery}: {readonly begin: () => void; readonly delivery: Delivery},
): Promise<number> {
  let sent = 0
  let held: Uint8Array | undefined
  const take = async (chunk: Uint8Array): Promise<void> => {
    if (!response.headersSent) begin()
    sent += chunk.length
    await delivery.write(chunk)
  }
  for await (const chunk of stream) {
    // taken by the system when the next one is asked for: its memory is used again
    if (held !== undefined) await take(held)
    held = chunk
  }
  if (held === undefined) begin()
  else await take(held)
  return sent
}

async function readAway(request: IncomingMessage): Promise<void> {
  let left = lingerSize
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, lingerTime)
    const done = (): void => {
      clearTimeout(timer)
      resolve()
    }
    request.once('end', done).once('close', done).once('error', done)
    request.on('data', (chunk: Buffer) => {
      left -= chunk.length
      if (left < 0) done()
    })
  })
  request.pause()
}
