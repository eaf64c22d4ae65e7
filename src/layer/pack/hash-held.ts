import type {CallOptions} from '../../store/content-store.js'
import {ownDeflate} from '../compress/codec.js'
import type {Entries} from '../tree/walked-entry.js'
import type {LayerThreads} from './layer-threads.js'
import {codecOf, type LayerFormat} from './pack.js'
import {contentOf} from './pack-blocks.js'
import type {ContentOptions, PackedContent} from './packed-content.js'

/** `threads` are those that pack layers of this format. */
export interface HashHeldOptions extends LayerFormat, ContentOptions, CallOptions {
  readonly threads: LayerThreads
}

/**
 * What `hashLayer` gives, by the thread that reads files for packing; `undefined` if the entries
 * are not held, or if there is no such thread. Throws what packing throws.
 */
export async function hashHeld(
  {held}: Entries,
  {threads, compression, level, ...call}: HashHeldOptions,
): Promise<PackedContent | undefined> {
  const rows = held?.rows()
  if (!held || !rows) return undefined
  const codec = codecOf(compression, level) ?? ownDeflate
  const taken = await threads.takeToHash(codec, rows.tarBytes)
  if (!taken) return undefined
  try {
    const sum = await taken.hash({...held, rows}, call)
    return contentOf(sum, sum.seen)
  } finally {
    await threads.giveBack(taken)
  }
}
