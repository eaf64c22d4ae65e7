import {once} from 'node:events'
import {type AddressInfo, connect, createServer, type Socket} from 'node:net'
import {expect, it, onTestFinished} from 'vitest'
import {
  createDescriptorBudget,
  descriptorLimit,
} from '../../../src/server/http/descriptor-budget.js'

/** Whether a connection to the server is let in. */
async function isLetIn(port: number, sockets: Socket[]): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => undefined)
  const first = await Promise.race([once(socket, 'data'), once(socket, 'close')])
  return first[0] instanceof Buffer
}

it('A2 connections of all servers together are let in while there are descriptors for their files', async () => {
  // room for four
  const budget = createDescriptorBudget(10 + 32 + 14, 10)
  const inner: Socket[] = []
  const ports = await Promise.all(
    [1, 2].map(async () => {
      const server = createServer((socket) => {
        if (socket.destroyed) return
        inner.push(socket)
        socket.on('error', () => undefined).write('in')
      })
      budget.watch(server)
      onTestFinished(() => void server.close())
      await once(server.listen(0, '127.0.0.1'), 'listening')
      return (server.address() as AddressInfo).port
    }),
  )
  const sockets: Socket[] = []
  const attempts: boolean[] = []
  for (let at = 0; at < 6; at++) attempts.push(await isLetIn(ports[at % 2]!, sockets))
  expect(attempts).toEqual([true, true, true, true, false, false])

  // work that goes on after its connection has ended keeps its room
  let finish = (): void => undefined
  const work = budget.during(inner[0]!, new Promise((resolve) => (finish = resolve)))
  const closed = once(inner[0]!, 'close')
  sockets[0]!.destroy()
  await closed
  expect(await isLetIn(ports[0]!, sockets)).toBe(false)
  finish()
  await work
  expect(await isLetIn(ports[0]!, sockets)).toBe(true)
})

it('the limit is the one of this process', () => {
  expect(descriptorLimit()).toBeGreaterThan(100)
})
