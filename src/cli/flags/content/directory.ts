import {Flags, type Interfaces} from '@oclif/core'
import {type ModeRule, parseModeRule} from '../../../layer/tree/mode-rule.js'
import {parseOwner} from '../../../layer/tree/owner.js'
import {mergeFlags} from './merge.js'

/** What becomes of the directory that is packed. */
export const directoryFlags = {
  ...mergeFlags,
  owner: Flags.string({
    helpValue: 'OWNER',
    summary:
      "Owner of everything in the layer: 0:0, or names of the image, such as app:app (default: the content's own).",
  }),
  chmod: Flags.custom<ModeRule>({
    aliases: ['mode'],
    helpGroup: 'CONTENT',
    helpValue: 'MODE',
    summary: "Modes in the layer, such as u=rwX,go=rX (default: the directory's own).",
    parse: (text) => Promise.resolve(parseModeRule(text)),
  })(),
  exclude: Flags.string({
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: 'CONTENT',
    helpValue: 'PATTERN',
    summary: 'Leave out matching files, in gitignore syntax, after .injectignore; repeatable.',
  }),
  'allow-empty': Flags.boolean({
    helpGroup: 'CONTENT',
    summary: 'Allow an empty directory to replace the content of a slot.',
  }),
  whiteouts: Flags.boolean({
    helpGroup: 'CONTENT',
    summary: 'Allow files named .wh.*, which delete files of the image.',
  }),
}

/** The flags as options of the operations. */
export function directoryOptions(
  flags: Omit<Interfaces.InferredFlags<typeof directoryFlags>, 'merge'>,
) {
  const {owner, chmod, exclude = [], whiteouts, 'allow-empty': allowEmpty} = flags
  const parsed = owner === undefined ? undefined : parseOwner(owner)
  return {owner: parsed, chmod, exclude, whiteouts, allowEmpty}
}
