import {Flags} from '@oclif/core'
import {UsageError} from '../../../errors.js'
import {parseSize} from '../common.js'

/** The least and the most that a chunk may be: less is all requests, and each is held in memory. */
const [smallest, largest] = [64 * 1024, 256 * 1024 * 1024]

/** The flags of the commands that send something large. */
export const uploadFlags = {
  'chunk-size': Flags.custom<number>({
    helpGroup: 'REGISTRY',
    helpValue: 'SIZE',
    summary:
      'Upload in chunks of this size, such as 50M (default: one request if the registry accepts it).',
    parse: (text) => Promise.resolve(parseChunkSize(text)),
  })(),
  'no-resume': Flags.boolean({
    helpGroup: 'REGISTRY',
    summary: 'Do not resume uploads, or make this one resumable.',
  }),
}

function parseChunkSize(text: string): number {
  const size = parseSize(text)
  if (size >= smallest && size <= largest) return size
  throw new UsageError('ERR_INJECT_SIZE_INVALID', `invalid chunk size ${text}`, {
    hint: 'use 64k (65536 bytes) to 256 MiB (268435456 bytes)',
  })
}
