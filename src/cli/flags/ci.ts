import {Flags} from '@oclif/core'
import {parseTemplate, type Template} from '../render/template.js'

/** What scripts and CI read of a result; every command has these. */
export const ciFlags = {
  template: Flags.custom<Template>({
    helpGroup: 'GLOBAL',
    helpValue: 'TEMPLATE',
    exclusive: ['json'],
    summary: 'Print members of the --json document, as in {{.digest}} or {{.layers.*.size}}.',
    parse: (text) => Promise.resolve(parseTemplate(text)),
  })(),
  'github-output': Flags.boolean({
    helpGroup: 'GLOBAL',
    summary: 'Set digest, reference and changed as outputs of a step of GitHub Actions.',
  }),
  'github-summary': Flags.boolean({
    helpGroup: 'GLOBAL',
    summary: 'Add the result to the summary of a job of GitHub Actions.',
  }),
  dotenv: Flags.string({
    helpGroup: 'GLOBAL',
    helpValue: 'FILE',
    summary: 'Write INJECT_DIGEST, INJECT_REFERENCE and INJECT_CHANGED to a file, as for GitLab.',
  }),
}
