import {IntegrityError} from '../errors.js'

/**
 * The error for a layer whose bytes are the ones that its digest names, but not those of a
 * well-formed archive.
 */
export function layerCorrupt(
  how: string,
  details: {readonly cause?: unknown} = {},
): IntegrityError {
  return new IntegrityError('ERR_INJECT_LAYER_CORRUPT', `the layer is corrupt: ${how}`, details)
}
