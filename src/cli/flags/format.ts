import {Flags, type Interfaces} from '@oclif/core'
import {UsageError} from '../../errors.js'
import {mostLayers, parseSharding, type Sharding} from '../../image/sharding.js'
import {parentsModes} from '../../layer/pack/parents.js'
import {layerCompressions} from '../../oci/media-type.js'
import {quoted} from '../../oci/quoted.js'

/** The flags of the commands that make a layer: how it, and the image around it, is written. */
export const formatFlags = {
  compression: Flags.option({options: layerCompressions})({
    default: 'gzip' as const,
    helpValue: 'gzip|zstd|none',
    summary: 'How the new layer is compressed; zstd in OCI images only.',
  }),
  'to-oci': Flags.boolean({
    summary: "Give an image or index of Docker's format, or of a mixture, OCI's media types.",
  }),
  parents: Flags.option({options: parentsModes})({
    default: 'dir' as const,
    helpValue: 'dir|base|omit',
    summary:
      'Mode, owner and times of directories that the image has already: those in DIR, those in its other layers, or none.',
  }),
}

/** What they say, as the operations know it. */
export function formatOptions(flags: Interfaces.InferredFlags<typeof formatFlags>) {
  const {compression, 'to-oci': toOci, parents} = flags
  return {compression, toOci, parents}
}

export const layersFlag = Flags.custom<Sharding>({
  helpValue: 'N|auto|1',
  summary:
    'Divide the content into at most N layers, or as many as its size suggests, so that an update sends those that changed (default: as the slot is; 1 at first).',
  parse: (text) => Promise.resolve(parseLayers(text)),
})

function parseLayers(text: string): Sharding {
  const sharding = parseSharding(text)
  if (sharding !== undefined) return sharding
  throw new UsageError('ERR_INJECT_LAYERS_INVALID', `not a number of layers: ${quoted(text)}`, {
    hint: `write a number from 1 to ${mostLayers}, or auto`,
  })
}
