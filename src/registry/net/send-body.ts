import type {Writable} from 'node:stream'
import type {ByteStream} from '../../store/content-store.js'
import {TransportError} from './transport-error.js'

/** Even a slow line moves at least this much within the idle time. */
const sliceSize = 256 * 1024

export interface SendOptions {
  readonly idle: number
  readonly doing: string
}

/**
 * Writes `body` as fast as the other side reads it, then ends `request`. Only the time spent
 * waiting for the network counts: a producer may be slow. True when everything was written; false
 * when the answer came or the connection broke before that (its own listener gets the error).
 * Throws what the producer throws, with the request destroyed.
 */
export async function sendBody(
  request: Writable,
  body: ByteStream,
  {idle, doing}: SendOptions,
): Promise<boolean> {
  const state = {over: false}
  let settle: ((open: boolean) => void) | undefined
  const stop = (): void => {
    state.over = true
    settle?.(false)
  }
  for (const event of ['response', 'error', 'close']) request.once(event, stop)

  const write = (slice: Uint8Array): Promise<boolean> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => {
        request.destroy(new TransportError('ETIMEDOUT', `${doing}: nothing taken for ${idle} ms`))
      }, idle)
      settle = (open) => {
        clearTimeout(timer)
        settle = undefined
        resolve(open)
      }
      request.write(slice, (error) => settle?.(!error && !state.over))
    })

  try {
    for await (const chunk of body) {
      for (let offset = 0; offset < chunk.length; offset += sliceSize) {
        if (state.over || !(await write(chunk.subarray(offset, offset + sliceSize)))) return false
      }
    }
  } catch (error) {
    request.destroy()
    throw error
  }
  if (!state.over) request.end()
  return true
}
