import {Args} from '@oclif/core'
import {BaseCommand} from '../../src/cli/base-command.js'
import {commonFlags} from '../../src/cli/flags/common.js'
import {shownSiteCheck} from '../../src/cli/render/site.js'
import {checkPublishedSite} from '../../src/operations/site/check-site.js'

export default class SiteCheck extends BaseCommand {
  // what it was called before
  static override readonly hiddenAliases = ['check']
  static override readonly summary = 'Check a published site.'
  static override readonly description =
    'Verifies the digest of every manifest and blob, every list of tags, and that no image lacks a part. Exits with 6 if there are problems; publish the image again to fix them. Unreferenced content is listed, but is not an error.'
  static override readonly examples = [
    {
      description: 'Check a site:',
      command: '<%= config.bin %> <%= command.id %> /srv/site',
    },
    {
      description: 'Get the report as JSON:',
      command: '<%= config.bin %> <%= command.id %> /srv/site --json',
    },
  ]
  // there is no registry to log in to
  static override readonly baseFlags = commonFlags as typeof BaseCommand.baseFlags
  static override readonly args = {
    site: Args.string({
      ignoreStdin: true, // oclif would take a piped text for it
      required: true,
      description: 'Folder that inject publish made.',
    }),
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(SiteCheck)
    return this.perform(
      flags,
      async (ports) => {
        const result = await checkPublishedSite(args.site, ports)
        // the report is the result: no error takes its place
        if (!result.sound) process.exitCode = 6
        return result
      },
      shownSiteCheck,
    )
  }
}
