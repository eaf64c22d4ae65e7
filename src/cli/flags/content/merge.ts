import {Flags, type Interfaces} from '@oclif/core'
import {UsageError} from '../../../errors.js'
import {type MergeRule, parseMergeRule, refuseRepeated} from '../../../image/merge.js'

/** Which files are joined with those of the image. */
export const mergeFlags = {
  merge: Flags.custom<MergeRule | 'none'>({
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: 'CONTENT',
    helpValue: 'PATH=HOW',
    summary:
      "Join a file with the image's own: PATH=append[:SEPARATOR], PATH=lines (those it lacks) or PATH=replace (keeps its mode and owner); repeatable; none stops it (default: as the slot records).",
    parse: (text) => Promise.resolve(text === 'none' ? text : parseMergeRule(text)),
  })(),
}

/** The flags as options of the operations. Throws `UsageError` (`ERR_INJECT_MERGE_INVALID`). */
export function mergeOptions({merge}: Interfaces.InferredFlags<typeof mergeFlags>): {
  readonly merges: readonly MergeRule[] | undefined
} {
  if (merge === undefined) return {merges: undefined}
  const merges = merge.filter((rule) => rule !== 'none')
  if (merges.length > 0 && merges.length < merge.length) {
    throw new UsageError('ERR_INJECT_MERGE_INVALID', '--merge none is given with other files', {
      hint: 'use --merge none alone, or leave it out',
    })
  }
  refuseRepeated(merges)
  return {merges}
}
