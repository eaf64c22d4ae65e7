import {Flags} from '@oclif/core'
import {UsageError} from '../../errors.js'
import {readLimits, type ReadLimits} from '../../layer/records/read-layer.js'
import type {ImagePart} from '../../operations/compare/side.js'
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

/** The part that the flags name; `undefined`: no flag. */
export function partOption({
  name,
  all,
}: {
  readonly name?: string | undefined
  readonly all: boolean
}): ImagePart | undefined {
  if (all) return {kind: 'all'}
  return name === undefined ? undefined : {kind: 'slot', name}
}

/** The part that `IMAGE#SLOT` names, else that of the flags, else the slot. Throws `UsageError`. */
export function chosenPart(own: ImagePart | undefined, given: ImagePart | undefined): ImagePart {
  if (own && given) {
    throw new UsageError('ERR_INJECT_USAGE', 'IMAGE#SLOT excludes --name and --all', {
      hint: 'leave one of the two out',
    })
  }
  return own ?? given ?? {kind: 'slot', name: undefined}
}

/** The limits from the flags, else the defaults. */
export function limitsOption(flags: {
  readonly 'max-size'?: number | undefined
  readonly 'zstd-window'?: number | undefined
}): ReadLimits {
  const {'max-size': size, 'zstd-window': zstdWindow} = flags
  return {
    ...readLimits,
    ...(size !== undefined && {totalBytes: size, sparseBytes: size, ratio: Infinity}),
    ...(zstdWindow !== undefined && {zstdWindow}),
  }
}
