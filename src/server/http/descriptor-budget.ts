import {readdirSync, readFileSync} from 'node:fs'
import type {Server, Socket} from 'node:net'
import {errnoOf} from '../../disk/local-io-error.js'

/**
 * How many connections this process lets in, so that a request that runs can always open its files:
 * of all servers in it together.
 */
export interface DescriptorBudget {
  /** Lets the connections of a server in as long as there is room, and ends the others at once. */
  watch(server: Server): void
  /**
   * Counts work that may outlive the connection on which it was asked for: until it ends, its room
   * stays taken.
   */
  during(socket: Socket, work: Promise<void>): Promise<void>
}

/**
 * A socket, the file that is read or written, and one more for a moment: an upload is read again
 * while it is written, a folder is made durable.
 */
const perConnection = 3
/**
 * For what no connection asks for: collections of garbage, locks, lists that read several manifests
 * at once.
 */
const reserve = 32
/** Where the system does not say: what most systems allow. */
const usualLimit = 1024

/** Of this process, from its limit of open files and what it has open now. */
export function createDescriptorBudget(
  limit = descriptorLimit(),
  used = openDescriptors(),
): DescriptorBudget {
  const most = Math.max(1, Math.floor((limit - used - reserve) / perConnection))
  let open = 0
  let orphans = 0
  return {
    watch(server) {
      server.prependListener('connection', (socket: Socket) => {
        if (open + orphans >= most) return void socket.destroy()
        open++
        socket.once('close', () => open--)
      })
    },
    async during(socket, work) {
      let isOrphan = false as boolean
      const onClose = (): void => {
        isOrphan = true
        orphans++
      }
      socket.once('close', onClose)
      try {
        await work
      } finally {
        socket.off('close', onClose)
        if (isOrphan) orphans--
      }
    },
  }
}

/** The one of this process: all of its servers share its descriptors. */
export function processDescriptors(): DescriptorBudget {
  return (shared ??= createDescriptorBudget())
}
let shared: DescriptorBudget | undefined

/**
 * How many descriptors this process may have at a time.
 * https://man7.org/linux/man-pages/man5/proc_pid_limits.5.html
 */
export function descriptorLimit(): number {
  const limits = read(() => readFileSync('/proc/self/limits', 'latin1')) ?? ''
  const found = /^Max open files\s+(\d+|unlimited)/m.exec(limits)?.[1]
  if (found === 'unlimited') return Infinity
  return found === undefined ? usualLimit : Number(found)
}

function openDescriptors(): number {
  return read(() => readdirSync('/proc/self/fd').length) ?? 32
}

/** `undefined` if the system has no such file. */
function read<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return undefined
  }
}
