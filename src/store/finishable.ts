import type {CallOptions} from './content-store.js'

/**
 * The ability of stores that become visible as a whole: nothing is there until `finish`, and
 * closing without it leaves what was there before.
 */
export interface Finishable {
  finish(options?: CallOptions): Promise<void>
}

/** Makes durable and visible what was put into the store, where it is not so already. */
export async function finish(store: object, options?: CallOptions): Promise<void> {
  if (isFinishable(store)) await store.finish(options)
}

function isFinishable(store: object): store is Finishable {
  return 'finish' in store
}
