import {type KeyObject, verify} from 'node:crypto'
import {PreconditionError} from '../errors.js'
import {hashFor, hintOf, pemOf} from './key-signer.js'
import {makeBundle} from './make-bundle.js'
import {runSignCommand, type SignCommand} from './run-sign-command.js'
import type {StatementSigner} from './signer.js'

/**
 * Signs with a command: it gets the bytes to sign on its standard input, and prints the signature
 * in base64. `publicKey` names the key in bundles, and proves the signature before anything is
 * published. Throws `PreconditionError` (`ERR_INJECT_SIGNING_FAILED`), without what the command
 * printed.
 */
export function createCommandSigner(
  command: SignCommand,
  publicKey: KeyObject,
  signal: AbortSignal,
): StatementSigner {
  const hint = hintOf(publicKey)
  return {
    name: `key ${hint}`,
    sign: (statement) =>
      makeBundle(statement, {
        async sign(data) {
          const signature = parseSignature(await runSignCommand(command, data, signal))
          if (!verify(hashFor(publicKey), data, publicKey, signature))
            throw failed('the signature that --sign-command printed is not of --sign-public-key')
          return {key: {$case: 'publicKey', publicKey: pemOf(publicKey), hint}, signature}
        },
      }),
  }
}

function parseSignature(output: string): Buffer {
  const text = output.replaceAll(/\s/g, '')
  const signature = Buffer.from(text, 'base64')
  if (text !== '' && signature.toString('base64') === text) return signature
  throw failed('--sign-command did not print a signature in base64')
}

function failed(message: string): PreconditionError {
  return new PreconditionError('ERR_INJECT_SIGNING_FAILED', message, {
    hint: 'try the command with a text of your own on its standard input',
  })
}
