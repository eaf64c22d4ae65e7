import {Flags} from '@oclif/core'
import {tmpdir} from 'node:os'
import {UsageError} from '../../errors.js'
import {limitsFor, type ReadLimits} from '../../layer/records/read-layer.js'
import {machinePlatform, type Platform} from '../../oci/platform.js'
import type {TreeRequest} from '../../operations/browse/open-tree.js'
import {type ImagePart, parseImagePart} from '../../operations/compare/side.js'
import {maxSize, slotName, zstdWindow} from './common.js'

/** Which files of an image: those of a slot, or all. */
export const partFlags = {
  name: slotName({exclusive: ['all']}),
  all: Flags.boolean({summary: 'Use the whole image, with all of its layers merged.'}),
}

/** Limits for reading layers. */
export const readFlags = {
  'max-size': maxSize({
    summary:
      'Largest unpacked size of a layer, such as 20G (default: 1,000 times it, over 64 MiB).',
  }),
  'zstd-window': zstdWindow(),
}

interface PartFlags {
  readonly name?: string | undefined
  readonly all: boolean
}

interface LimitFlags {
  readonly 'max-size'?: number | undefined
  readonly 'zstd-window'?: number | undefined
}

/** Which files of which image (`IMAGE` or `IMAGE#SLOT`) are meant. Throws `UsageError`. */
export function treeRequest(
  image: string,
  flags: PartFlags & LimitFlags & {readonly platform?: Platform | undefined},
): TreeRequest {
  const {reference, part} = parseImagePart(image)
  return {
    reference,
    platform: flags.platform,
    part: chosenPart(part, partOption(flags)),
    machine: machinePlatform(process.arch),
    limits: limitsOption(flags),
    temporary: tmpdir(),
  }
}

/** What was said; `undefined` for neither. */
export function partOption({name, all}: PartFlags): ImagePart | undefined {
  if (all) return {kind: 'all'}
  return name === undefined ? undefined : {kind: 'slot', name}
}

/** The part that `IMAGE#SLOT` names, else that of the flags, else the slot. Throws `UsageError`. */
function chosenPart(own: ImagePart | undefined, given: ImagePart | undefined): ImagePart {
  if (own && given) {
    throw new UsageError('ERR_INJECT_USAGE', 'IMAGE#SLOT excludes --name and --all', {
      hint: 'leave one of the two out',
    })
  }
  return own ?? given ?? {kind: 'slot', name: undefined}
}

/** The limits that were given, over the usual ones. */
export function limitsOption(flags: LimitFlags): ReadLimits {
  return limitsFor({largest: flags['max-size'], zstdWindow: flags['zstd-window']})
}
