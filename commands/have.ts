import {Args} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {shownHave} from '../src/cli/render/bundle.js'
import {parseBundlePlace} from '../src/operations/bundle/bundle-place.js'
import {have} from '../src/operations/bundle/have.js'

export default class Have extends BaseCommand {
  static override readonly summary = 'List the blobs that a registry, layout or served folder has.'
  static override readonly description =
    'Take the list to a site with a network: inject save --have FILE leaves out what is in it. Of a registry, blobs of tagged images are listed; content is not read.'
  static override readonly examples = [
    {
      description: 'List what a registry has:',
      command: '<%= config.bin %> <%= command.id %> registry.inside.example > have.txt',
    },
    {
      description: 'List what a served folder has:',
      command: '<%= config.bin %> <%= command.id %> ./registry > have.txt',
    },
  ]
  static override readonly args = {
    place: Args.string({
      ignoreStdin: true, // oclif would take a piped text for it
      required: true,
      description:
        'HOST[:PORT][/PATH], oci:DIR, or the folder that inject serve serves, as ./DIR or /DIR.',
    }),
  }

  async run(): Promise<object> {
    const {args, flags} = await this.parse(Have)
    const place = parseBundlePlace(args.place, 'PLACE')
    return this.perform(flags, (ports) => have(place, ports), shownHave)
  }
}
