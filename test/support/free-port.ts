import {once} from 'node:events'
import {connect, createServer, type AddressInfo} from 'node:net'
import type {ChildProcess} from 'node:child_process'
import {onTestFinished} from 'vitest'

/**
 * A port of 127.0.0.1 that nobody listens on now, for programs that cannot choose one themselves.
 */
export async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const {port} = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/**
 * Ends the program with the test, and resolves when it takes connections. Throws when it ends
 * instead, with what it said.
 */
export async function untilListening(
  child: ChildProcess,
  port: number,
  end: NodeJS.Signals = 'SIGTERM',
): Promise<void> {
  const said: string[] = []
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  child.stderr?.on('data', (chunk: Buffer) => said.length < 100 && said.push(chunk.toString()))
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill(end)
    const timer = setTimeout(() => child.kill('SIGKILL'), 3000)
    await ended
    clearTimeout(timer)
  })
  for (let tries = 0; tries < 400; tries++) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended: ${said.join('')}`)
    if (await isOpen(port)) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`${child.spawnfile} does not listen: ${said.join('')}`)
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
