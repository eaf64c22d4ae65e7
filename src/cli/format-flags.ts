import {Flags, type Interfaces} from '@oclif/core'
import {parentsModes} from '../layer/parents.js'
import {layerCompressions} from '../oci/media-type.js'

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
