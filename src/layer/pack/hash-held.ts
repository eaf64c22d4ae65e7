import type {CallOptions} from '../../store/content-store.js'
import type {Entries} from '../tree/walked-entry.js'
import type {LayerThreads} from './layer-threads.js'
import {contentOf} from './pack-blocks.js'
import type {ContentOptions, PackedContent} from './packed-content.js'

/**
 * What `hashLayer` gives, by one of the threads for that; `undefined` if the entries are not held,
 * or if there is no such thread. Throws what packing throws.
 */
export async function hashHeld(
  {held}: Entries,
  {threads, ...call}: {readonly threads: LayerThreads} & ContentOptions & CallOptions,
): Promise<PackedContent | undefined> {
  const rows = held?.rows()
  if (!held || !rows) return undefined
  const tar = await threads.hash({...held, rows}, call)
  return tar && contentOf(tar, tar.seen)
}
