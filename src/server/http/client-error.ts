import {STATUS_CODES} from 'node:http'
import type {Socket} from 'node:net'
import {errorAnswer} from './error-answer.js'
import {Refusal} from './refusal.js'

const answered = new WeakSet<Socket>()
const lingerTime = 1000

/**
 * Answers what is not HTTP, or more of it than we read, and ends the connection. With an answer
 * already under way (`isBusy`) it only ends.
 */
export function answerClientError(
  error: NodeJS.ErrnoException,
  socket: Socket,
  isBusy: boolean,
): void {
  if (!socket.writable || isBusy || error.code === 'ECONNRESET') return void socket.destroy()
  // what comes after is not HTTP, either
  if (answered.has(socket)) return
  answered.add(socket)
  const {status, headers = {}, body} = errorAnswer(refusalOf(error.code))
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`)
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, 'connection: close', ...lines]
  socket.end(`${head.join('\r\n')}\r\n\r\n${Buffer.from(body as Uint8Array).toString()}`)
  // read on for a moment: an answer that meets unread bytes is lost on its way
  socket.resume()
  setTimeout(() => socket.destroy(), lingerTime).unref()
}

function refusalOf(code: string | undefined): Refusal {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      // as nginx: at 400 podman's client asks again for fewer ranges, at 431 it gives up
      return new Refusal(400, 'UNSUPPORTED', 'the headers are too large')
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Refusal(408, 'UNSUPPORTED', 'the headers come too slowly')
    default:
      return new Refusal(400, 'UNSUPPORTED', 'not a valid HTTP request')
  }
}
