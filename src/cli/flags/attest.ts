import {Flags, type Interfaces} from '@oclif/core'
import {sbomFormats} from '../../attest/sbom/facts.js'
import {UsageError} from '../../errors.js'
import {publicServices} from '../../signing/public-services.js'

/** Services of sigstore, for signing with an identity. */
const serviceUrl = (value: string, summary: string) =>
  Flags.custom({
    helpGroup: 'PROVENANCE',
    helpValue: 'URL',
    summary: `${summary} (default: ${value}).`,
    parse: (text) => Promise.resolve(parseServiceUrl(text)),
  })({dependsOn: ['sign-keyless']})

/** What is attached: `buildkit` adds an attestation in the index to the statement. */
const attestModes = ['signed', 'unsigned', 'buildkit', 'unsigned,buildkit'] as const

/** What is said of a result beside it, and who signs that. */
export const attestFlags = {
  attest: Flags.option({options: attestModes})({
    helpGroup: 'PROVENANCE',
    helpValue: 'signed|unsigned|buildkit',
    summary:
      'Attach a statement of how the image was made; alone: signed, and with buildkit in the index, too.',
  }),
  'sign-key': Flags.string({
    dependsOn: ['attest'],
    helpGroup: 'PROVENANCE',
    helpValue: 'FILE|env://NAME',
    summary:
      "Sign with this private key, in PEM or cosign's format (password: INJECT_SIGN_PASSWORD, or asked for).",
  }),
  'sign-command': Flags.string({
    dependsOn: ['attest', 'sign-public-key'],
    helpGroup: 'PROVENANCE',
    helpValue: 'COMMAND',
    summary: 'Sign with a command: bytes on its standard input, signature in base64 from it.',
  }),
  'sign-public-key': Flags.string({
    dependsOn: ['sign-command'],
    helpGroup: 'PROVENANCE',
    helpValue: 'FILE',
    summary: 'Public key of --sign-command, in PEM.',
  }),
  'sign-keyless': Flags.boolean({
    dependsOn: ['attest'],
    helpGroup: 'PROVENANCE',
    summary: 'Sign with an identity token: SIGSTORE_ID_TOKEN, or that of a job of GitHub.',
  }),
  'fulcio-url': serviceUrl(publicServices.fulcio, 'Certificate authority for --sign-keyless'),
  'rekor-url': serviceUrl(publicServices.rekor, 'Transparency log for --sign-keyless'),
  'sign-image': Flags.boolean({
    dependsOn: ['attest'],
    helpGroup: 'PROVENANCE',
    summary: 'Also sign the image itself, as cosign sign does.',
  }),
  sbom: Flags.option({options: sbomFormats})({
    dependsOn: ['attest'],
    helpGroup: 'PROVENANCE',
    helpValue: 'spdx|cyclonedx',
    summary: 'Attach a list of the files in the slots.',
  }),
}

export type AttestFlags = Interfaces.InferredFlags<typeof attestFlags>

/** The command line with `--attest` alone spelled out, which oclif would give the next word. */
export function withAttestValue(argv: readonly string[]): string[] {
  const end = argv.indexOf('--')
  return argv.map((word, at) =>
    word === '--attest' && (end < 0 || at < end) ? '--attest=signed' : word,
  )
}

/**
 * Throws `UsageError` (`ERR_INJECT_USAGE`) unless it is clear who signs; a run that signs nothing,
 * as a plan does, need not be told.
 */
export function checkSigners(flags: AttestFlags, signsNothing = false): void {
  const given = (['sign-key', 'sign-command', 'sign-keyless'] as const).filter(
    (name) => flags[name],
  )
  if (flags.attest === undefined || (signsNothing && given.length === 0)) return
  const isUnsigned = flags.attest.startsWith('unsigned')
  if (!isUnsigned && given.length === 1) return
  if (isUnsigned && given.length === 0 && !flags['sign-image']) return
  throw new UsageError(
    'ERR_INJECT_USAGE',
    isUnsigned
      ? '--attest=unsigned excludes the flags that sign'
      : 'a signed statement needs one of --sign-key, --sign-command and --sign-keyless',
    {hint: 'use one of them, or --attest=unsigned alone'},
  )
}

/** Without user name and password. */
function parseServiceUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isPlain = url?.username === '' && url.password === '' && url.search === ''
  if (url && isPlain && /^https?:$/.test(url.protocol)) return url.href.replace(/\/$/, '')
  throw new UsageError('ERR_INJECT_USAGE', 'a service for signing is not an http or https URL', {
    hint: `write it as ${publicServices.fulcio}`,
  })
}
