import {Flags, type Interfaces} from '@oclif/core'
import {UsageError} from '../../errors.js'
import {maxSize} from './common.js'

/** The flags of a command that packs a directory: what it costs. */
export const packFlags = {
  'compression-level': Flags.integer({
    min: 1,
    max: 9,
    helpValue: '1-9',
    summary:
      'Compress with zlib at this level (default: deflate of our own, which is faster than level 1); each gives other bytes.',
  }),
  jobs: Flags.integer({
    char: 'j',
    min: 1,
    max: 256,
    helpValue: 'N',
    summary:
      'Blocks that are compressed at once (default: one for each processor); with 1 nothing is sent beside something else.',
  }),
  cache: Flags.boolean({
    summary:
      'Keep compressed blocks in the cache folder, so that the next run compresses only what changed.',
  }),
  'cache-size': maxSize({
    dependsOn: ['cache'],
    summary: 'Bytes that these may take, as in 20G (default: 5G); the oldest go.',
  }),
  'trust-mtime': Flags.boolean({
    summary:
      'Read no file when size, inode and times of all are as they were when the directory was packed last.',
  }),
}

/** What they say of the bytes of a layer. */
export function packOptions(
  flags: Pick<Interfaces.InferredFlags<typeof packFlags>, 'compression-level'> & {
    readonly compression: string
  },
): {readonly level: number | undefined} {
  const level = flags['compression-level']
  if (level === undefined || flags.compression === 'gzip') return {level}
  throw new UsageError(
    'ERR_INJECT_LEVEL_WITHOUT_GZIP',
    `--compression-level is one of gzip, and the layer is to be compressed by ${flags.compression}`,
    {hint: 'drop one of the two'},
  )
}
