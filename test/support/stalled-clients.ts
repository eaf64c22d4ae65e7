import {once} from 'node:events'
import {readFileSync} from 'node:fs'
import {connect, type Socket} from 'node:net'
import {onTestFinished} from 'vitest'

/** A connection on which `text` was sent, and from which nothing is read. */
async function stalledClient(address: string, text: string | Uint8Array): Promise<Socket> {
  const {hostname, port} = new URL(`http://${address}`)
  const socket = connect(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.pause()
  // what the server does not read must not hold up the test
  socket.write(text)
  return socket
}

/** So many of them. */
export async function stalledClients(
  address: string,
  count: number,
  text: string | Uint8Array,
): Promise<readonly Socket[]> {
  const sockets: Socket[] = []
  for (let at = 0; at < count; at++) sockets.push(await stalledClient(address, text))
  return sockets
}

/** The largest memory that a process has had, in MiB. */
export function peakMemory(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid ?? 0}/status`, 'latin1')
  return Number(/VmHWM:\s*(\d+) kB/.exec(status)?.[1]) / 1024
}
