import {Args, Flags, type Interfaces} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {referenceFlag, slotName, slotPath, strictFlag} from '../src/cli/flags/common.js'
import {directoryFlags, directoryOptions} from '../src/cli/flags/content/directory.js'
import {formatFlags, formatOptions, layersFlag} from '../src/cli/flags/content/format.js'
import {mergeOptions} from '../src/cli/flags/content/merge.js'
import {packFlags, packOptions} from '../src/cli/flags/content/pack.js'
import {pictureFiles, pictureFlags} from '../src/cli/flags/picture.js'
import {platformChoice, platformsFlag} from '../src/cli/flags/platform.js'
import {layerPorts, packPorts} from '../src/cli/ports/pack-ports.js'
import {splitWords} from '../src/cli/flags/commands/status-words.js'
import {statusPictures} from '../src/cli/render/picture/status.js'
import {renderStatus, renderStatusMarkdown} from '../src/cli/render/follow/status.js'
import {differsExitCode, exitCode} from '../src/cli/terminal/exit-code.js'
import type {Reference} from '../src/oci/names/reference.js'
import {status, type StatusRequest} from '../src/operations/status.js'
import type {UpdateRequest} from '../src/operations/update.js'

export default class Status extends BaseCommand {
  static override readonly summary =
    "Show whether the vendor's images moved, and whether slots differ from a directory."
  static override readonly description =
    'Exits with 0 if everything is up to date, and with 20 if inject rebase or inject update would change something. Costs three requests for an image that did not move. If the last argument is a directory, slots are compared with it as inject update does it, with the same flags. An image whose state cannot be determined is shown with the reason, and the exit code is that of its error.'
  static override readonly strict = false
  static override readonly examples = [
    {
      description: 'Has the vendor moved on?',
      command: '<%= config.bin %> <%= command.id %> registry.example/team/app:v1-data',
    },
    {
      description: 'The same for several images, and do their slots hold ./tree?',
      command:
        '<%= config.bin %> <%= command.id %> registry.example/team/app:v1-data registry.example/team/app:v2-data ./tree',
    },
    {
      description: 'A table for a comment on a merge request:',
      command: '<%= config.bin %> <%= command.id %> registry.example/team/app:v1-data --markdown',
    },
  ]
  static override readonly args = {
    images: Args.string({
      ignoreStdin: true, // oclif would take a piped text for it
      required: true,
      description: 'IMAGE... [DIRECTORY]: one image or more, and what their slots should hold.',
    }),
  }
  static override readonly flags = {
    base: referenceFlag({
      summary: "The vendor's image, for images that do not say what they were made from.",
    }),
    platform: platformsFlag(),
    name: slotName(),
    path: slotPath(),
    markdown: Flags.boolean({summary: 'Print the table as Markdown.'}),
    ...pictureFlags,
    ...directoryFlags,
    ...strictFlag,
    ...formatFlags,
    ...packFlags,
    layers: layersFlag(),
  }

  async run(): Promise<object> {
    const {argv, flags} = await this.parse(Status)
    const {directory, ...request} = Status.request(argv as string[], flags)
    const render = flags.markdown ? renderStatusMarkdown : renderStatus
    return this.perform(
      flags,
      async (ports) => {
        const packing = directory === undefined ? {} : packPorts(flags, process.env, ports)
        const own = layerPorts(process.env, directory === undefined ? [] : [directory])
        const {failure, ...result} = await status(request, {...ports, ...packing, ...own})
        // the table is the result, even if it contains errors
        if (failure) process.exitCode = exitCode(failure)
        else if (result.changed) process.exitCode = differsExitCode
        return result
      },
      {line: render, files: pictureFiles(flags, statusPictures)},
    )
  }

  /** The arguments and flags as the request of the operation. */
  static request(
    words: readonly string[],
    flags: Interfaces.InferredFlags<typeof Status.flags>,
  ): StatusRequest & {readonly directory: string | undefined} {
    const {images, directory} = splitWords(words)
    const {base, path, name, layers: sharding, platform} = flags
    const content = (reference: Reference): UpdateRequest => ({
      image: {reference, name, platforms: platformChoice(platform)},
      target: {tags: []},
      source: {directory: directory ?? '', ...directoryOptions(flags)},
      layer: {
        path,
        sharding,
        ...mergeOptions(flags),
        ...formatOptions(flags),
        ...packOptions(flags),
      },
      publish: {dryRun: true, onConflict: 'fail', noClobber: false},
    })
    return {images, base, directory, ...(directory !== undefined && {content})}
  }
}
