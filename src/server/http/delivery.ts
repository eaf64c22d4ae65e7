import type {ServerResponse} from 'node:http'
import {monotonicTime} from '../../disk/clock.js'
import {createMinimumRate} from '../../stream/minimum-rate.js'
import type {MemoryShare} from './body-memory.js'
import type {ServerLimits} from './limits.js'
import {clientClosedRequest, Refusal} from './refusal.js'

/** Hands the bytes of an answer to the system, at the client's pace, which must not be too slow. */
export interface Delivery {
  /**
   * Resolves when the system has taken all of `chunk`, and its memory is free. Throws `Refusal`
   * (499).
   */
  write(chunk: Uint8Array): Promise<void>
  /**
   * Ends the answer; `last` goes in one packet with the headers when they are not out yet. Resolves
   * and throws as `write`.
   */
  end(last?: Uint8Array): Promise<void>
}

/** How much is handed over at once: whether a client has taken some of it cannot be seen. */
export const pieceSize = 512 * 1024

export type DeliveryLimits = Pick<ServerLimits, 'idleTime' | 'downloadRate' | 'rateWindow'>

/** `share` is told when the client is to act, and when it has. */
export function createDelivery(
  response: ServerResponse,
  {idleTime, downloadRate, rateWindow}: DeliveryLimits,
  share: Pick<MemoryShare, 'waits' | 'moved'>,
): Delivery {
  const rate = createMinimumRate({window: rateWindow, minimum: downloadRate})

  /** Resolves to the milliseconds that it took. */
  const handOver = (bytes: number, begin: (done: (error?: Error | null) => void) => void) =>
    new Promise<number>((resolve, reject) => {
      if (response.destroyed) {
        reject(wentAway())
        return
      }
      const start = monotonicTime()
      const settle = (failure?: Refusal): void => {
        clearTimeout(timer)
        response.off('close', onClose)
        share.moved()
        if (failure === undefined) resolve(monotonicTime() - start)
        else reject(failure)
      }
      const onClose = (): void => settle(wentAway())
      // at the lowest pace that is allowed a large piece takes longer than a client may be idle
      const longest = Math.max(idleTime, (bytes * 1000) / downloadRate)
      const timer = setTimeout(() => settle(tooSlow()), longest)
      response.once('close', onClose)
      share.waits()
      begin((error) => settle(error ? wentAway() : undefined))
    })

  return {
    async write(chunk) {
      for (let at = 0; at < chunk.length; at += pieceSize) {
        const piece = chunk.subarray(at, at + pieceSize)
        const milliseconds = await handOver(
          piece.length,
          (done) => void response.write(piece, done),
        )
        if (rate.count({bytes: piece.length, milliseconds})) throw tooSlow()
      }
    },
    async end(last) {
      if (response.destroyed) throw wentAway()
      if (last === undefined) response.end()
      else response.end(last)
      // most answers are small, and with the system at once
      if (response.socket?.writableLength === 0) return
      await handOver(last?.length ?? 0, (done) => void response.once('finish', () => done()))
    },
  }
}

function wentAway(): Refusal {
  const message = 'the client went away before the end of the answer'
  return new Refusal(clientClosedRequest, 'UNKNOWN', message)
}

function tooSlow(): Refusal {
  const message = 'the client took the answer too slowly'
  return new Refusal(clientClosedRequest, 'UNKNOWN', message)
}
