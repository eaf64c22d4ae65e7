import {createDigester} from '../../oci/digest.js'
import {ownDeflate} from '../compress/codec.js'
import {givesZlibPakoBytes} from '../compress/create-deflater.js'
import type {LayerFormat} from './pack.js'
import {xattrBinding} from '../tree/xattrs/read-xattrs.js'

/** Milliseconds after which an answer that is not there yet will take some more. */
const soon = 20

export interface PreparedPacking {
  /** Whatever has not begun is left for when it is needed: the answer is there. */
  goOn(): void
}

/**
 * Loads and tries what packing needs while the first answer of a registry is on the way: some ten
 * milliseconds that would otherwise pass between the last answer and the first byte sent. Not where
 * the answer comes at once, for it may say that nothing is to be packed. Starts no thread: a small
 * tree needs none. Changes nothing but when it is done.
 */
export function preparePacking({compression = 'gzip', level}: LayerFormat): PreparedPacking {
  const timer = setTimeout(() => {
    createDigester()
    xattrBinding()
    // anyone who packs hears of what goes wrong
    if (compression !== 'gzip') return
    const tried = level === undefined ? tryOwnDeflate() : givesZlibPakoBytes(level)
    tried.catch(() => undefined)
  }, soon)
  return {goOn: () => clearTimeout(timer)}
}

/** Compresses something once: what is compiled when it is first called takes some milliseconds. */
async function tryOwnDeflate(): Promise<void> {
  const compress = await ownDeflate.start()
  const blocks = [Buffer.from('words, and words again, and '.repeat(40))]
  const stream = ownDeflate.stream(blocks, {compress, ahead: 1})
  while ((await stream.next()).done !== true);
}
