import {Args, Flags, type Interfaces} from '@oclif/core'
import {tmpdir} from 'node:os'
import {UsageError} from '../../../errors.js'
import {pathPatterns} from '../../../layer/tree/path-patterns.js'
import type {DiffRequest} from '../../../operations/compare/diff-request.js'
import type {DiffView} from '../../../operations/compare/diff-trees.js'
import {type FileAspect, fileAspects} from '../../../operations/compare/file-change.js'
import {parseSide} from '../../../operations/compare/side.js'
import {isNamed} from '../../../layer/tree/owner.js'
import {directoryFlags, directoryOptions} from '../content/directory.js'
import {platformChoice, platformsFlag} from '../platform.js'
import {limitsOption, partFlags, partOption, readFlags} from '../tree.js'

const sideHelp = 'IMAGE, IMAGE#SLOT, or a directory: ./DIR, /DIR or dir:DIR.'

export const diffArgs = {
  a: Args.string({ignoreStdin: true, required: true, description: sideHelp}),
  b: Args.string({ignoreStdin: true, required: true, description: sideHelp}),
}

/** The most lines shown for one image, and the most changes in one document. */
export const [mostRows, mostChanges] = [200, 100_000]

export const diffFlags = {
  ...partFlags,
  platform: platformsFlag({summary: 'Images of an index to compare, such as linux/arm64.'}),
  stat: Flags.boolean({summary: 'Print numbers only.'}),
  'name-only': Flags.boolean({
    exclusive: ['stat', 'full', 'markdown', 'json'],
    summary: 'Print the path of each file that differs, without a limit.',
  }),
  full: Flags.boolean({
    exclusive: ['stat'],
    summary: 'Print the old and new state of each file instead of totals by directory.',
  }),
  markdown: Flags.boolean({
    exclusive: ['json', 'stat'],
    summary: 'Print a comment for a merge request.',
  }),
  path: Flags.string({
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'PATTERN',
    summary: 'Compare only matching paths, in gitignore syntax; repeatable.',
  }),
  ignore: Flags.custom<FileAspect>({
    options: [...fileAspects],
    parse: (text) => Promise.resolve(text as FileAspect),
  })({
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'ASPECT',
    summary: `Difference that does not count: ${fileAspects.join(', ')}; repeatable.`,
  }),
  exact: Flags.boolean({
    summary: 'Also read the layers that both images have, which can hide or hold the same paths.',
  }),
  owner: Flags.string({
    helpGroup: 'CONTENT',
    helpValue: 'UID:GID',
    summary: 'Owner of everything in a directory, as for update.',
  }),
  chmod: directoryFlags.chmod,
  exclude: directoryFlags.exclude,
  ...readFlags,
}

type DiffFlags = Interfaces.InferredFlags<typeof diffFlags> & {readonly json?: boolean | undefined}

/** The request of the command line. Throws `UsageError`. */
export function diffRequest(
  {a, b}: {readonly a: string; readonly b: string},
  flags: DiffFlags,
  onChange: Extract<DiffView, {kind: 'listener'}>['onChange'],
): DiffRequest {
  const {ignore = [], path = [], exact} = flags
  const rules = directoryOptions({...flags, 'allow-empty': true, whiteouts: true})
  if (rules.owner && isNamed(rules.owner)) {
    throw new UsageError('ERR_INJECT_OWNER_INVALID', 'the owner must be two numbers here', {
      hint: 'write two numbers, as in --owner 0:0',
    })
  }
  return {
    first: parseSide(a),
    second: parseSide(b),
    part: partOption(flags),
    platforms: platformChoice(flags.platform),
    rules,
    trees: {
      view: viewOf(flags, onChange),
      ignored: new Set(ignore),
      isWanted: pathPatterns(path),
      limits: limitsOption(flags),
      temporary: tmpdir(),
      exact,
    },
  }
}

function viewOf(
  flags: DiffFlags,
  onChange: Extract<DiffView, {kind: 'listener'}>['onChange'],
): DiffView {
  if (flags.stat) return {kind: 'counts'}
  if (flags['name-only']) return {kind: 'listener', onChange}
  if (flags.full || flags.json === true) return {kind: 'changes', most: mostChanges}
  return {kind: 'rows', most: mostRows}
}
