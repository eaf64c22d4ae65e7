import {UsageError} from '../../errors.js'
import {readSmallFile} from '../../disk/read-small-file.js'
import {publicServices} from '../../signing/public-services.js'
import type {StatementSigner} from '../../signing/signer.js'
import type {AttestFlags} from '../flags/attest.js'
import {type Console, prompt} from '../terminal/prompt.js'

/** What a signer needs of this process. */
export interface SigningEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where a person can be asked for the password of a key. */
  readonly terminal: Console
  readonly signal: AbortSignal
}

/** Milliseconds; a person may have to touch a token. */
const commandTimeout = 120_000

/**
 * Who signs, as the flags say; `undefined`: nobody. Keys are read here, so that a wrong one is
 * found before any work is done. Throws `UsageError`, and `LocalIoError` for files.
 */
export async function statementSigner(
  flags: AttestFlags,
  {env, terminal, signal}: SigningEnvironment,
): Promise<StatementSigner | undefined> {
  const {'sign-key': key, 'sign-command': command, 'sign-public-key': publicKey} = flags
  if (key !== undefined) return keySigner(key, {env, terminal, signal})
  if (command !== undefined && publicKey !== undefined)
    return commandSigner(command, publicKey, {env, terminal, signal})
  if (!flags['sign-keyless']) return undefined
  const {createKeylessSigner} = await import('../../signing/keyless-signer.js')
  const {checkIdentity, identityToken} = await import('../../signing/identity-token.js')
  checkIdentity(env)
  const {'fulcio-url': fulcio, 'rekor-url': rekor} = flags
  const services = {
    fulcio: fulcio ?? publicServices.fulcio,
    rekor: rekor ?? publicServices.rekor,
  }
  return createKeylessSigner(services, () => identityToken(env))
}

async function keySigner(
  where: string,
  {env, terminal, signal}: SigningEnvironment,
): Promise<StatementSigner> {
  const {isEncryptedKey, parsePrivateKey} = await import('../../signing/parse-key.js')
  const {isCosignKey, parseCosignKey} = await import('../../signing/cosign-key.js')
  const {createKeySigner} = await import('../../signing/key-signer.js')
  const pem = await readKey(where, env)
  const isCosigns = isCosignKey(pem)
  const isAsking = terminal.input.isTTY === true && !env['CI']
  const known = env['INJECT_SIGN_PASSWORD'] ?? (isCosigns ? env['COSIGN_PASSWORD'] : undefined)
  const password =
    known === undefined && (isCosigns || isEncryptedKey(pem)) && isAsking
      ? await prompt(terminal, 'Password of the key: ', {echo: false, signal})
      : known
  const parse = isCosigns ? parseCosignKey : parsePrivateKey
  return createKeySigner(await parse(pem, password, nameOf(where)))
}

async function commandSigner(
  text: string,
  publicKey: string,
  {env, signal}: SigningEnvironment,
): Promise<StatementSigner> {
  const {parsePublicKey} = await import('../../signing/parse-key.js')
  const {createCommandSigner} = await import('../../signing/command-signer.js')
  const {splitCommand} = await import('../../signing/run-sign-command.js')
  const key = parsePublicKey(await readKey(publicKey, env), nameOf(publicKey))
  const [program, ...args] = splitCommand(text) ?? []
  if (program === undefined)
    throw new UsageError('ERR_INJECT_USAGE', '--sign-command is not a command')
  return createCommandSigner({program, args, env, timeout: commandTimeout}, key, signal)
}

/**
 * The text of a key, in a file or (`env://NAME`) in the environment. Throws `UsageError`
 * (`ERR_INJECT_SIGN_KEY_INVALID`), `LocalIoError` and `LimitError`.
 */
export async function readKey(where: string, env: SigningEnvironment['env']): Promise<string> {
  const [, name] = /^env:\/\/(\w+)$/.exec(where) ?? []
  if (name === undefined) return readSmallFile(where)
  const text = env[name]
  if (text !== undefined && text !== '') return text
  throw new UsageError('ERR_INJECT_SIGN_KEY_INVALID', `the variable ${name} is not set`)
}

function nameOf(where: string): string {
  return where.startsWith('env://') ? where : JSON.stringify(where)
}
