import {Args} from '@oclif/core'
import {BaseCommand} from '../../src/cli/base-command.js'
import {commonFlags} from '../../src/cli/flags/common.js'
import {shownSiteCheck} from '../../src/cli/render/site.js'
import {checkPublishedSite} from '../../src/operations/site/check-site.js'

export default class SiteCheck extends BaseCommand {
  // what it was called before
  static override readonly hiddenAliases = ['check']
  static override readonly summary = 'Read a published site again, and say what is wrong.'
  static override readonly description =
    'Compares every manifest and blob with its name, every list with what is there and every image with its parts. Ends with 6 when something is wrong; publishing the image again puts it right. What no manifest names is listed; it is not an error.'
  static override readonly examples = ['<%= config.bin %> <%= command.id %> /srv/site']
  // there is no registry to log in to
  static override readonly baseFlags = commonFlags as typeof BaseCommand.baseFlags
  static override readonly args = {
    site: Args.string({
      ignoreStdin: true, // oclif would take a piped text for it
      required: true,
      description: 'The folder that inject publish has made.',
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
