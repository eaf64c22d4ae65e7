import {Args} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {shownBundle} from '../src/cli/render/bundle.js'
import {shownArchive, shownFolder} from '../src/cli/render/save.js'
import {saveFlags, saveOptions} from '../src/cli/flags/commands/save.js'
import {saveBundle} from '../src/operations/bundle/save-bundle.js'
import {saveFolder} from '../src/operations/save/save-folder.js'
import {save} from '../src/operations/save/save.js'

export default class Save extends BaseCommand {
  static override readonly summary = 'Save images to a file for docker load and podman load.'
  static override readonly description =
    'Writes one archive for docker load, podman load, skopeo and containerd; content that the images share is in it once. With --bundle, --since or --have, writes a bundle for inject load, which can leave out what the other side has. With --format fast or uncompressed, saves one image as a folder of plain files instead.'
  static override readonly usage = [
    'save IMAGE... -o FILE [FLAGS]',
    'save --since BUNDLE|--have FILE|--bundle IMAGE... -o FILE [FLAGS]',
    'save --format fast|uncompressed IMAGE DIR [FLAGS]',
  ]
  static override readonly examples = [
    {
      description: 'Save two images to one archive:',
      command:
        '<%= config.bin %> <%= command.id %> registry.example/team/app:v1 registry.example/team/tool:v2 -o images.tar',
    },
    {
      description: 'Load an image into Docker:',
      command:
        '<%= config.bin %> <%= command.id %> registry.example/team/app:v1 --platform linux/arm64 -o - | docker load',
    },
    {
      description: 'Save what changed since an earlier bundle:',
      command:
        '<%= config.bin %> <%= command.id %> registry.example/team/app:v2 --since monday.tar -o tuesday.tar',
    },
    {
      description: 'Save as a folder, with a cache for the next image:',
      command:
        '<%= config.bin %> <%= command.id %> --format fast registry.example/team/app:v1 ./app --cache-dir ~/.cache/images',
    },
  ]
  static override readonly strict = false
  static override readonly args = {
    image: Args.string({
      ignoreStdin: true, // oclif would take a piped text for it
      required: true,
      description:
        'REGISTRY/REPOSITORY[:TAG][@DIGEST], oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:NAME:TAG] or fast:DIR.',
    }),
  }
  static override readonly flags = saveFlags

  async run(): Promise<object> {
    const {raw, flags} = await this.parse(Save)
    // oclif sorts argv by value: an argument that is a flag's value, too, would be in another place
    const texts = raw.flatMap((token) => (token.type === 'arg' ? [token.input] : []))
    const wanted = saveOptions(texts, flags, process.env)
    switch (wanted.kind) {
      case 'archive':
        return this.perform(flags, (ports) => save(wanted.options, ports), shownArchive)
      case 'bundle':
        return this.perform(flags, (ports) => saveBundle(wanted.options, ports), shownBundle)
      case 'folder':
        return this.perform(flags, (ports) => saveFolder(wanted.options, ports), shownFolder)
    }
  }
}
