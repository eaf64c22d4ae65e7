import {BaseCommand} from '../src/cli/base-command.js'
import {strictFlag} from '../src/cli/flags/common.js'
import {diffArgs, diffFlags, diffRequest} from '../src/cli/flags/commands/diff.js'
import {isDrawn, pictureFiles, pictureFlags} from '../src/cli/flags/picture.js'
import {renderDiff, renderStat, summariseDiff} from '../src/cli/render/diff/diff.js'
import {renderMarkdown} from '../src/cli/render/diff/diff-markdown.js'
import {diffDrawing, diffPage} from '../src/cli/render/picture/diff.js'
import {shownName} from '../src/cli/render/text/shown-name.js'
import {differsExitCode} from '../src/cli/terminal/exit-code.js'
import {diff} from '../src/operations/compare/diff.js'
import {createDiffDrawing} from '../src/operations/compare/draw-diff.js'
import type {DiffResult} from '../src/operations/compare/diff-result.js'
import {namedPath} from '../src/operations/compare/named-path.js'

export default class Diff extends BaseCommand {
  static override readonly summary =
    'Show what differs between two images, slots or directories, and what a pull costs.'
  static override readonly description =
    'Layers that both images have are not fetched; of the others, metadata and hashes of content are compared without unpacking. Exits with 20 if anything differs, and with 0 if not.'
  static override readonly usage = 'diff A B [FLAGS]'
  static override readonly examples = [
    {
      description: 'What a new version changes, and how much of it a client has to fetch:',
      command:
        '<%= config.bin %> <%= command.id %> registry.example/team/app:v1 registry.example/team/app:v2',
    },
    {
      description: 'What an update would change:',
      command:
        '<%= config.bin %> <%= command.id %> registry.example/team/app:v1#models ./models --ignore owner',
    },
    {
      description: 'A comment for a merge request:',
      command: '<%= config.bin %> <%= command.id %> oci:layout:v1 oci:layout:v2 --markdown',
    },
    {
      description: 'A page with old and new side by side:',
      command: '<%= config.bin %> <%= command.id %> oci:layout:v1 oci:layout:v2 --html diff.html',
    },
  ]
  static override readonly args = diffArgs
  static override readonly flags = {...diffFlags, ...pictureFlags, ...strictFlag}

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Diff)
    const request = diffRequest(args, {...flags, json: this.jsonEnabled()}, ({path}) =>
      this.log(shownName(namedPath(path))),
    )
    const {pairs, observer} = createDiffDrawing()
    const drawn = isDrawn(flags) ? {...request, trees: {...request.trees, observer}} : request
    const result = await this.perform(flags, (ports) => diff(drawn, ports), {
      line: flags['name-only']
        ? () => undefined
        : flags.stat
          ? renderStat
          : flags.markdown
            ? renderMarkdown
            : renderDiff,
      summary: summariseDiff,
      files: pictureFiles<DiffResult>(flags, {
        html: (compared) => diffPage(compared, pairs),
        svg: (compared) => diffDrawing(compared, pairs),
      }),
    })
    if ((result as DiffResult).differs) process.exitCode = differsExitCode
    return result
  }
}
