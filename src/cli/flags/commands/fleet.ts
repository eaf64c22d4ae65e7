import {Flags} from '@oclif/core'
import type {Shard} from '../../../fleet/report/outcome.js'
import {parseShard} from '../../../fleet/shard.js'

/** How many images are worked on at once, unless the user says so. */
const usualJobs = 16

/** The flags of the commands that work on a fleet. */
export const fleetFlags = {
  file: Flags.string({
    char: 'f',
    required: true,
    helpValue: 'FILE',
    summary: 'The fleet file: images, and what is put into them.',
  }),
  prune: Flags.boolean({
    summary: 'Remove slots of this fleet that its file no longer has.',
  }),
  shard: Flags.custom<Shard>({
    helpValue: 'I/N',
    summary: 'Work on one of N parts of the fleet, divided by repository.',
    parse: (text) => Promise.resolve(parseShard(text)),
  })(),
  jobs: Flags.integer({
    char: 'j',
    min: 1,
    max: 256,
    default: usualJobs,
    helpGroup: 'SPEED',
    helpValue: 'N',
    summary: 'Images to work on at once.',
  }),
  'max-failures': Flags.integer({
    min: 1,
    helpValue: 'N',
    summary: 'Begin no more images after N failures (default: all are tried).',
  }),
  verify: Flags.boolean({
    helpGroup: 'SPEED',
    summary: 'Look at every image and file, even those that look unchanged since the last run.',
  }),
}
