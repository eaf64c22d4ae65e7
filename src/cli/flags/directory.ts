import {Flags, type Interfaces} from '@oclif/core'
import {type ModeRule, parseModeRule} from '../../layer/tree/mode-rule.js'
import {parseOwner} from './common.js'

/** What becomes of the directory that is packed. */
export const directoryFlags = {
  owner: Flags.string({
    helpValue: 'UID:GID',
    summary: 'Owner of everything in the layer (default: as in the directory).',
  }),
  chmod: Flags.custom<ModeRule>({
    helpValue: 'MODE',
    summary: 'Modes in the layer, as chmod takes them: u=rwX,go=rX (default: as in the directory).',
    parse: (text) => Promise.resolve(parseModeRule(text)),
  })(),
  exclude: Flags.string({
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'PATTERN',
    summary:
      'Leave out what matches, in gitignore syntax; repeatable, after the rules in .injectignore.',
  }),
  'allow-empty': Flags.boolean({
    summary: 'Let a directory with nothing in it replace the content of a slot.',
  }),
  whiteouts: Flags.boolean({
    summary: 'Allow files named .wh.*, which delete files of the image.',
  }),
}

/** What they say, as the operations know it. */
export function directoryOptions(flags: Interfaces.InferredFlags<typeof directoryFlags>) {
  const {owner, chmod, exclude = [], whiteouts, 'allow-empty': allowEmpty} = flags
  const parsed = owner === undefined ? undefined : parseOwner(owner)
  return {owner: parsed, chmod, exclude, whiteouts, allowEmpty}
}
