import type {Server} from 'node:http'
import type {Socket} from 'node:net'

/** A client that sends so many requests before it reads an answer means no good. */
const mostPipelined = 64
/** Requests of all connections together that wait for the one before. */
const mostWaiting = 2048

export interface Connections {
  /** Runs the requests of one connection one after the other: they may build on each other. */
  inTurn(socket: Socket, work: () => Promise<void>): void
  isBusy(socket: Socket): boolean
  count(): number
  /** Ends those that no request is running on. */
  endIdle(): void
  /** Ends all. */
  endAll(): void
  /** When no request runs any more. */
  settled(): Promise<void>
}

/** The connections of a server, and what runs on each. `work` must not fail. */
export function watchConnections(
  server: Server,
  event: 'connection' | 'secureConnection',
): Connections {
  const open = new Map<Socket, {turn: Promise<void>; running: number}>()
  const all = new Set<Promise<void>>()
  let waiting = 0
  server.on(event, (socket: Socket) => {
    open.set(socket, {turn: Promise.resolve(), running: 0})
    socket.once('close', () => open.delete(socket))
  })
  return {
    inTurn(socket, work) {
      const state = open.get(socket)
      if (state === undefined || state.running >= mostPipelined) return void socket.destroy()
      const isFirst = state.running === 0
      if (!isFirst && waiting >= mostWaiting) return void socket.destroy()
      if (!isFirst) {
        waiting++
        // what comes after is not read before its turn
        socket.pause()
      }
      const later = async (): Promise<void> => {
        waiting--
        if (socket.destroyed) return
        if (state.running === 1) socket.resume()
        await work()
      }
      const run = isFirst ? work() : state.turn.then(later)
      state.running++
      const turn = run.finally(() => {
        state.running--
        all.delete(turn)
      })
      state.turn = turn
      all.add(turn)
    },
    isBusy: (socket) => (open.get(socket)?.running ?? 0) > 0,
    count: () => open.size,
    endIdle() {
      for (const [socket, {running}] of open) if (running === 0) socket.destroy()
    },
    endAll() {
      for (const socket of open.keys()) socket.destroy()
    },
    async settled() {
      await Promise.allSettled(all)
    },
  }
}
