import {createDigester} from '../oci/digest.js'
import type {LayerFormat} from './pack.js'
import {givesZlibPakoBytes} from './create-deflater.js'
import {xattrBinding} from './xattr.js'

/** Milliseconds after which the first requests have been sent, and their answers are still on the way. */
const soon = 10

/**
 * Loads and tries what packing needs in a moment, in which there is nothing else to do: some ten milliseconds that would otherwise pass between the last answer and the
 * first byte sent. Changes nothing but when it is done. What it gives takes it back, if it is not done yet.
 */
export function preparePacking({compression = 'gzip', level}: LayerFormat): () => void {
  const timer = setTimeout(() => {
    createDigester()
    xattrBinding()
    // whoever packs hears of what goes wrong
    if (compression === 'gzip') givesZlibPakoBytes(level).catch(() => undefined)
  }, soon)
  return () => clearTimeout(timer)
}
