// Clients that cost next to nothing themselves: bytes of HTTP over plain sockets, one buffer for
// all that arrives.
import {createHash} from 'node:crypto'
import {connect} from 'node:net'

const arrived = Buffer.allocUnsafeSlow(1 << 20)

/** Opens a connection; `receive` gets each piece that arrives, valid until it returns. */
function open(address, receive, failed) {
  const {hostname: host, port} = new URL(`http://${address}`)
  const callback = (length) => {
    receive(arrived.subarray(0, length))
    return true
  }
  const socket = connect({host, port, noDelay: true, onread: {buffer: arrived, callback}})
  socket.on('error', failed).on('close', () => failed(new Error('the connection was closed')))
  return socket
}

/** Reads answers with a `Content-Length` one after the other. */
function createReader({onBody = () => undefined, onAnswer, isHead = false}) {
  let head = ''
  let left
  let status
  return (piece) => {
    let body = piece
    if (left === undefined) {
      const before = head.length
      head += piece.toString('latin1')
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      body = piece.subarray(end + 4 - before)
      status = Number(head.slice(9, 12))
      left = isHead ? 0 : Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
    }
    onBody(body)
    left -= body.length
    if (left > 0) return
    const answer = {status, head}
    head = ''
    left = undefined
    onAnswer(answer)
  }
}

/** One request with a small body or none; its answer's status and headers. */
export function ask(address, method, path, {headers = {}, body = ''} = {}) {
  return new Promise((resolve, reject) => {
    const done = (answer) => {
      socket.destroy()
      resolve({
        ...answer,
        header: (name) => new RegExp(`\r\n${name}: *([^\r]*)`, 'i').exec(answer.head)?.[1],
      })
    }
    const isHead = method === 'HEAD'
    const socket = open(address, createReader({onAnswer: done, isHead}), reject)
    socket.write(requestOf(address, method, path, {...headers, 'content-length': body.length}))
    socket.write(body)
  })
}

/**
 * Pulls one blob; seconds from the connection to the last byte. With `hash` as every client of
 * registries does: it verifies what it gets.
 */
export async function pull(address, path, {hash = false} = {}) {
  const hashing = hash ? createHash('sha256') : undefined
  const start = performance.now()
  const answer = await new Promise((resolve, reject) => {
    const onBody = (bytes) => hashing?.update(bytes)
    const onAnswer = (result) => {
      socket.destroy()
      resolve(result)
    }
    const socket = open(address, createReader({onBody, onAnswer}), reject)
    socket.write(requestOf(address, 'GET', path))
  })
  const digest = hashing && `sha256:${hashing.digest('hex')}`
  if (answer.status !== 200 || (digest && !path.endsWith(digest)))
    throw new Error(`GET ${path} answered ${answer.status}, ${digest}`)
  return (performance.now() - start) / 1000
}

/**
 * Pushes one blob: POST, then one PUT (`monolithic`), or one PATCH of unknown length and a PUT
 * (`streamed`). Seconds from the POST to the last answer. `pieces` gives its bytes.
 */
export async function push(address, repository, {digest, size, pieces, mode}) {
  const start = performance.now()
  const begun = await ask(address, 'POST', `/v2/${repository}/blobs/uploads/`)
  const finish = (location) =>
    `${location}${location.includes('?') ? '&' : '?'}digest=${encodeURIComponent(digest)}`
  const location = pathOf(begun.header('location'))
  if (mode === 'monolithic')
    await send(address, 'PUT', finish(location), {'content-length': size}, pieces)
  else {
    const {header} = await send(
      address,
      'PATCH',
      location,
      {'transfer-encoding': 'chunked'},
      inChunks(pieces),
    )
    const {status} = await ask(address, 'PUT', finish(pathOf(header('location'))))
    if (status !== 201) throw new Error(`PUT answered ${status}`)
  }
  return (performance.now() - start) / 1000
}

/**
 * Requests a second that `clients` get, each asking for `path` again and again over its own
 * connection, for `seconds`.
 */
export async function requestRate(address, path, {clients, seconds, accept}) {
  const request = requestOf(address, 'GET', path, {accept})
  let count = 0
  let running = true
  const start = performance.now()
  const client = () =>
    new Promise((resolve, reject) => {
      const onAnswer = ({status}) => {
        if (status !== 200) reject(new Error(`GET ${path} answered ${status}`))
        count++
        if (running) socket.write(request)
        else {
          socket.destroy()
          resolve()
        }
      }
      // the pieces of all clients share one buffer: each is dealt with before the next one arrives
      const socket = open(address, createReader({onAnswer}), reject)
      socket.write(request)
    })
  setTimeout(() => (running = false), seconds * 1000)
  await Promise.all(Array.from({length: clients}, client))
  return count / ((performance.now() - start) / 1000)
}

/**
 * Milliseconds that each of `count` requests took, one after the other, while `idle` connections
 * say nothing and `slow` clients take only the first bytes of a blob.
 */
export async function timesBeside(address, {path, blob, idle, slow, count}) {
  const crowd = []
  const join = (text) =>
    new Promise((resolve, reject) => {
      const {hostname: host, port} = new URL(`http://${address}`)
      const socket = connect({host, port}, () => {
        socket.write(text)
        resolve()
      })
      socket.once('error', reject)
      crowd.push(socket.pause())
    })
  for (let at = 0; at < idle; at++) await join('')
  for (let at = 0; at < slow; at++) await join(requestOf(address, 'GET', blob))
  const times = []
  for (let at = 0; at < count; at++) {
    const start = performance.now()
    const {status} = await ask(address, 'HEAD', path)
    if (status !== 200) throw new Error(`HEAD ${path} answered ${status}`)
    times.push(performance.now() - start)
  }
  for (const socket of crowd) socket.destroy()
  return times
}

async function send(address, method, path, headers, pieces) {
  let settle
  const answered = new Promise((resolve, reject) => (settle = {resolve, reject}))
  const onAnswer = (answer) => {
    socket.destroy()
    settle.resolve(answer)
  }
  const socket = open(address, createReader({onAnswer}), settle.reject)
  const type = {'content-type': 'application/octet-stream'}
  socket.write(requestOf(address, method, path, {...type, ...headers}))
  for (const piece of pieces)
    if (!socket.write(piece)) await new Promise((resolve) => socket.once('drain', resolve))
  const {status, head} = await answered
  if (status !== 201 && status !== 202) throw new Error(`${method} ${path} answered ${status}`)
  return {header: (name) => new RegExp(`\r\n${name}: *([^\r]*)`, 'i').exec(head)?.[1]}
}

function* inChunks(pieces) {
  for (const piece of pieces) {
    yield `${piece.length.toString(16)}\r\n`
    yield piece
    yield '\r\n'
  }
  yield '0\r\n\r\n'
}

function requestOf(address, method, path, headers = {}) {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${path} HTTP/1.1\r\nhost: ${address}\r\n${lines.join('')}\r\n`
}

function pathOf(location) {
  const {pathname, search} = new URL(location, 'http://x')
  return pathname + search
}
