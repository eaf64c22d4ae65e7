import {Flags, type Interfaces} from '@oclif/core'
import {UsageError} from '../../../errors.js'
import {maxSize} from '../common.js'

/** The flags of a command that packs a directory: what it costs. */
export const packFlags = {
  'compression-level': Flags.integer({
    min: 1,
    max: 9,
    helpGroup: 'LAYER',
    helpValue: '1-9',
    summary:
      'Use zlib at this level (default: our own deflate, faster than 1). Changes the digest.',
  }),
  jobs: Flags.integer({
    char: 'j',
    min: 1,
    max: 256,
    helpGroup: 'SPEED',
    helpValue: 'N',
    summary:
      'Threads that read and compress (default: one per processor); 1 also makes uploads sequential.',
  }),
  cache: Flags.boolean({
    helpGroup: 'SPEED',
    summary: 'Keep compressed blocks, so that the next run compresses only what changed.',
  }),
  'cache-size': maxSize({
    dependsOn: ['cache'],
    helpGroup: 'SPEED',
    summary: 'Size of that cache, such as 20G (default: 5G); the oldest blocks go.',
  }),
  verify: Flags.boolean({
    helpGroup: 'SPEED',
    summary: 'Read all files, even those that look unchanged since the last run.',
  }),
  'trust-mtime': Flags.boolean({
    helpGroup: 'SPEED',
    summary: 'No effect: unchanged files are recognized by default. Kept for scripts.',
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
    `--compression-level works with gzip only, and --compression is ${flags.compression}`,
    {hint: 'leave one of the two out'},
  )
}
