import {Flags, type Interfaces} from '@oclif/core'
import {UsageError} from '../../../errors.js'
import {mostLayers, parseSharding, type Sharding} from '../../../image/sharding.js'
import {parentsModes} from '../../../layer/pack/parents.js'
import {layerCompressions} from '../../../oci/media-type.js'
import {quoted} from '../../../oci/quoted.js'

/** The flags of the commands that make a layer: how it, and the image around it, is written. */
export const formatFlags = {
  compression: Flags.option({options: layerCompressions})({
    default: 'gzip' as const,
    helpGroup: 'LAYER',
    helpValue: 'gzip|zstd|zstd:chunked|none',
    summary:
      'Compression of the new layer; zstd needs an OCI image. zstd:chunked lets podman and others fetch single files.',
  }),
  'to-oci': Flags.boolean({
    helpGroup: 'LAYER',
    summary: "Convert an image or index in Docker's format to OCI.",
  }),
  parents: Flags.option({options: parentsModes})({
    default: 'dir' as const,
    helpGroup: 'CONTENT',
    helpValue: 'dir|base|omit',
    summary:
      'For directories the image already has: use the mode, owner and times of the content, keep those of the image, or leave them out.',
  }),
}

/** The flags as options of the operations. */
export function formatOptions(flags: Interfaces.InferredFlags<typeof formatFlags>) {
  const {compression, 'to-oci': toOci, parents} = flags
  return {compression, toOci, parents}
}

export const layersFlag = Flags.custom<Sharding>({
  helpGroup: 'LAYER',
  helpValue: 'N|auto|1',
  summary:
    "Split the content into up to N layers, so that updates send only changed ones (default: keep the slot's setting; 1 if new).",
  parse: (text) => Promise.resolve(parseLayers(text)),
})

function parseLayers(text: string): Sharding {
  const sharding = parseSharding(text)
  if (sharding !== undefined) return sharding
  throw new UsageError('ERR_INJECT_LAYERS_INVALID', `not a number of layers: ${quoted(text)}`, {
    hint: `write a number from 1 to ${mostLayers}, or auto`,
  })
}
