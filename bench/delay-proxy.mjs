// node delay-proxy.mjs HOST:PORT MILLISECONDS: passes requests on to a registry, each after one
// more round trip (two on a new connection), and counts them. Prints its address.
import {createServer, request, Agent} from 'node:http'

const [target = '', delay = '0'] = process.argv.slice(2)
const [hostname, port] = target.split(':')
const agent = new Agent({keepAlive: true})
const seen = new WeakSet()
let counts = {requests: 0, sent: 0, received: 0}

const server = createServer((incoming, outgoing) => {
  if (incoming.url === '/-/counts') {
    outgoing.end(JSON.stringify(counts))
    counts = {requests: 0, sent: 0, received: 0}
    return
  }
  counts.requests++
  const trips = seen.has(incoming.socket) ? 1 : 2
  seen.add(incoming.socket)
  const onward = request(
    {hostname, port, agent, method: incoming.method, path: incoming.url, headers: incoming.headers},
    (answer) => {
      outgoing.writeHead(answer.statusCode, answer.headers)
      answer.on('data', (chunk) => (counts.received += chunk.length))
      answer.pipe(outgoing)
    },
  )
  onward.on('error', () => outgoing.destroy())
  outgoing.on('close', () => onward.destroy())
  incoming.on('data', (chunk) => (counts.sent += chunk.length))
  incoming.pause()
  setTimeout(() => incoming.pipe(onward), Number(delay) * trips)
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => console.log(`127.0.0.1:${server.address().port}`))
