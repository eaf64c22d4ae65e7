import type {AttestPorts, Ports} from '../../ports.js'
import {attestFlags, type AttestFlags, checkSigners} from '../flags/attest.js'
import {commonFlags, registryFlags} from '../flags/common.js'

/** The command that runs, as its statement has it. */
export interface AttestedCommand {
  readonly name: string
  readonly flags: AttestFlags & Readonly<Record<string, unknown>>
  /** The directory of the content, if there is one. */
  readonly directory?: string | undefined
  /** Nothing will be signed, so keys are not read. */
  readonly dryRun?: boolean | undefined
}

/** Flags that say nothing of what is made, or might hold secrets. */
const unrecorded = new Set([
  ...Object.keys({...commonFlags, ...registryFlags, ...attestFlags}),
  ...['digestfile', 'cache', 'cache-size', 'jobs', 'check', 'dry-run', 'chunk-size', 'sign-key'],
  ...['file', 'report', 'verify', 'max-failures'],
])

/**
 * What is said of results beside them, as the flags ask for it; empty where nothing is. Throws what
 * `checkSigners` and `statementSigner` throw.
 */
export async function attestPorts(
  {name, flags, directory, dryRun = false}: AttestedCommand,
  env: Readonly<Record<string, string | undefined>>,
  {version = 'unknown', signal}: Pick<Ports, 'version' | 'signal'>,
): Promise<Pick<Ports, 'attest'>> {
  checkSigners(flags, dryRun)
  if (flags.attest === undefined) return {}
  // imported here because few runs attest, and the imports would slow down all of them
  const [{ciRunIn}, {indexAttestation}, {gitSource}, {statementSigner}, {terminalConsole}] =
    await Promise.all([
      import('../../attest/ci-run.js'),
      import('../../attest/index-attestation.js'),
      import('./git-source.js'),
      import('./statement-signer.js'),
      import('../terminal/login-terminal.js'),
    ])
  // a run over many images describes it once
  let source: ReturnType<AttestPorts['describeSource']> | undefined
  const attest: AttestPorts = {
    run: {
      command: name,
      flags: recordedFlags(flags),
      version,
      node: process.version,
      ci: ciRunIn(env),
    },
    signer: dryRun
      ? undefined
      : await statementSigner(flags, {env, terminal: terminalConsole(), signal}),
    signs: !flags.attest.startsWith('unsigned'),
    signsImages: flags['sign-image'],
    describeInIndex: flags.attest.endsWith('buildkit') ? indexAttestation : undefined,
    sbom: flags.sbom,
    describeSource: () =>
      (source ??=
        directory === undefined ? Promise.resolve(undefined) : gitSource(directory, env, signal)),
    now: () => new Date(),
  }
  return {attest}
}

/** The flags that say what is made, as they were given; values that are objects are left out. */
function recordedFlags(flags: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(flags)
      .filter(([name, value]) => !unrecorded.has(name) && isPlain(value))
      .sort(([one], [other]) => (one < other ? -1 : 1)),
  )
}

function isPlain(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isPlain)
  return value === true || ['string', 'number'].includes(typeof value)
}
