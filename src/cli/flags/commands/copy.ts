import {Flags, type Interfaces} from '@oclif/core'
import {parseReference, parseTag} from '../../../oci/names/reference.js'
import type {CopyOptions} from '../../../operations/copy/copy.js'
import {tagFlags} from '../common.js'
import {copyAllFlags} from './copy-all.js'
import {platformChoice, platformsFlag} from '../platform.js'
import {uploadFlags} from '../content/upload.js'

/** The flags of `inject copy`. */
export const copyFlags = {
  platform: platformsFlag({
    summary: 'Images of an index to copy; repeatable (default: the whole index).',
  }),
  tag: Flags.string({
    char: 't',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'TAG',
    summary: 'Additional tag for the copy; repeatable.',
    parse: (text) => Promise.resolve(parseTag(text)),
  }),
  'all-tags': Flags.boolean({
    summary: 'Copy every tag of SOURCE.',
  }),
  referrers: Flags.boolean({
    summary: 'Also copy signatures and other content that refers to the image.',
  }),
  ...copyAllFlags,
  'dry-run': tagFlags['dry-run'],
  'no-clobber': tagFlags['no-clobber'],
  digestfile: tagFlags.digestfile,
  'chunk-size': uploadFlags['chunk-size'],
}

/** The arguments and flags as the request of the operation. */
export function copyRequest(
  args: {source: string; target: string},
  flags: Interfaces.InferredFlags<typeof copyFlags>,
): CopyOptions {
  return {
    source: parseReference(args.source),
    target: parseReference(args.target),
    tags: flags.tag ?? [],
    platforms: platformChoice(flags.platform),
    allTags: flags['all-tags'],
    referrers: flags.referrers,
    noClobber: flags['no-clobber'],
    dryRun: flags['dry-run'],
    chunkSize: flags['chunk-size'],
  }
}
