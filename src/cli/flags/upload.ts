import {Flags} from '@oclif/core'
import {UsageError} from '../../errors.js'
import {parseSize} from './common.js'

/** The least and the most that a chunk may be: less is all requests, and each is held in memory. */
const [smallest, largest] = [64 * 1024, 256 * 1024 * 1024]

/** The flags of the commands that send something large. */
export const uploadFlags = {
  'chunk-size': Flags.custom<number>({
    helpGroup: 'REGISTRY',
    helpValue: 'SIZE',
    summary:
      'Send the layer in chunks, as in 50M (default: in one request, as long as the registry takes it).',
    parse: (text) => Promise.resolve(parseChunkSize(text)),
  })(),
  'no-resume': Flags.boolean({
    helpGroup: 'REGISTRY',
    summary:
      'Neither go on with an upload that an earlier run left, nor note this one for a later run.',
  }),
}

function parseChunkSize(text: string): number {
  const size = parseSize(text)
  if (size >= smallest && size <= largest) return size
  throw new UsageError('ERR_INJECT_SIZE_INVALID', `not a size for chunks: ${text}`, {
    hint: 'from 64k (65536 bytes) to 256 MiB (268435456 bytes)',
  })
}
