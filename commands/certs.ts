import {Args, Flags, type Interfaces} from '@oclif/core'
import {BaseCommand} from '../src/cli/base-command.js'
import {
  imageArg,
  imageRequest,
  publishFlags,
  resultRequest,
  slotName,
  strictFlag,
} from '../src/cli/flags/common.js'
import {certificateFiles, listRequest} from '../src/cli/flags/commands/certificates.js'
import {formatFlags} from '../src/cli/flags/content/format.js'
import {checkFlag, exitIfChanged} from '../src/cli/flags/run.js'
import {layerPorts} from '../src/cli/ports/pack-ports.js'
import {renderCertificates} from '../src/cli/render/certificates.js'
import {presentInjection} from '../src/cli/render/injection.js'
import {addCertificates, type CertificatesRequest} from '../src/operations/add-certificates.js'
import {listCertificates} from '../src/operations/certs/list-certificates.js'

const {compression, 'to-oci': toOci} = formatFlags

export default class Certs extends BaseCommand {
  static override readonly summary = 'Make an image trust certificates, or list those it got.'
  static override readonly description =
    "Adds the certificates to all trust stores of the image: bundles of Debian, Ubuntu, Alpine, Wolfi, RHEL, Fedora, Amazon Linux and SUSE, the folders from which these are made, OpenSSL's folders by hash, and Java keystores. The vendor's own certificates stay. They are the content of the slot certs: inject rebase merges them with the vendor's next version, and inject remove takes them out."
  static override readonly strict = false
  static override readonly examples = [
    'Trust a company authority, under a new tag:\n<%= config.bin %> <%= command.id %> registry.example/team/app:v1 ./ca.pem --tag v1-certs',
    'In every image of an index:\n<%= config.bin %> <%= command.id %> registry.example/team/app:v1 ./root.pem ./proxy.pem --platform all',
    "What does the image trust beyond its vendor's list?\n<%= config.bin %> <%= command.id %> registry.example/team/app:v1-certs --list",
  ]
  static override readonly args = {
    image: imageArg,
    files: Args.string({
      ignoreStdin: true, // oclif would take a piped text for it
      description: 'PEM files, each with one certificate or several.',
    }),
  }
  static override readonly flags = {
    ...publishFlags,
    ...checkFlag,
    name: slotName({default: 'certs', summary: 'Name of the slot.'}),
    list: Flags.boolean({summary: 'List the certificates that slots added, and change nothing.'}),
    'allow-expired': Flags.boolean({
      helpGroup: 'CONTENT',
      summary: 'Add certificates that are not valid now, with a warning.',
    }),
    'set-env': Flags.boolean({
      helpGroup: 'CONFIG',
      summary:
        'Set SSL_CERT_FILE, NODE_EXTRA_CA_CERTS and REQUESTS_CA_BUNDLE to the bundle of the image.',
    }),
    'skip-java': Flags.boolean({
      helpGroup: 'CONTENT',
      summary: 'Leave Java keystores as they are.',
    }),
    ...strictFlag,
    compression,
    'to-oci': toOci,
  }

  async run(): Promise<object> {
    const {argv, args, flags} = await this.parse(Certs)
    const files = certificateFiles(argv as string[], flags.list)
    const remembered = layerPorts(process.env)
    if (flags.list) {
      const request = listRequest(args.image, flags.platform)
      return this.perform(flags, (ports) => listCertificates(request, {...ports, ...remembered}), {
        line: renderCertificates,
      })
    }
    const request = Certs.request(args.image, files, flags)
    return this.perform(
      flags,
      async (ports) =>
        exitIfChanged(flags.check, await addCertificates(request, {...ports, ...remembered})),
      presentInjection(flags.digestfile),
    )
  }

  /** The arguments and flags as the request of the operation. */
  static request(
    image: string,
    files: readonly string[],
    flags: Interfaces.InferredFlags<typeof Certs.flags>,
  ): CertificatesRequest {
    const {created, compression, 'to-oci': toOci, 'base-annotations': baseAnnotations} = flags
    return {
      image: imageRequest(image, flags),
      ...resultRequest(flags),
      layer: {path: '/', created, compression, toOci, baseAnnotations, parents: 'omit'},
      certificates: {
        files,
        allowExpired: flags['allow-expired'],
        now: Math.floor(Date.now() / 1000),
        setsEnv: flags['set-env'],
        skipsJava: flags['skip-java'],
      },
    }
  }
}
