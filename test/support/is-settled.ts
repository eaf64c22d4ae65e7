import {setImmediate as nextTurn} from 'node:timers/promises'

/**
 * Whether the promise is settled once all that is ready has run. Only for work that waits for
 * promises and not for a file, a connection or a clock.
 */
export async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  const note = (): void => void (settled = true)
  promise.then(note, note)
  await nextTurn()
  return settled
}
