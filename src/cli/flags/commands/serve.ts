import {Flags} from '@oclif/core'
import {isIPv6} from 'node:net'
import {domainToASCII} from 'node:url'
import {UsageError} from '../../../errors.js'
import {quoted} from '../../../oci/quoted.js'
import type {ServeListener, ServeOptions} from '../../../operations/serve/serve.js'
import {hostOf} from '../../../server/http/host-name.js'
import {parseListenAddress} from '../../../server/http/listen.js'
import {type LogFormat, logFormats} from '../../terminal/access-log.js'
import {sizeFlag} from '../common.js'
import {duration} from '../store.js'

export const serveFlags = {
  listen: Flags.string({
    multiple: true,
    multipleNonGreedy: true,
    default: ['127.0.0.1:5000'],
    helpValue: 'ADDRESS[=ROOT]',
    summary: 'HOST:PORT to listen on (port 0: any free one), for ROOT or =ROOT; repeatable.',
  }),
  auth: Flags.string({
    helpValue: 'htpasswd:FILE',
    summary: 'Require a login; FILE holds users with bcrypt hashes.',
  }),
  anonymous: Flags.option({options: ['pull', 'none'] as const})({
    dependsOn: ['auth'],
    helpValue: 'pull|none',
    summary: 'What clients without a login can do (default: none).',
  }),
  'tls-cert': Flags.string({helpValue: 'FILE', summary: 'TLS certificate chain, in PEM.'}),
  'tls-key': Flags.string({helpValue: 'FILE', summary: 'Key of the certificate, in PEM.'}),
  'insecure-bind': Flags.boolean({
    summary: 'Allow listening beyond loopback without passwords or TLS.',
  }),
  'allow-host': Flags.string({
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'NAME',
    summary:
      'Host name or address that clients use for this registry (default: loopback and --listen); repeatable.',
  }),
  'read-only': Flags.boolean({summary: 'Refuse pushes and deletes.'}),
  'take-over': Flags.boolean({
    exclusive: ['read-only'],
    summary: 'Take the folder over from a process that serves it; that process then ends.',
  }),
  force: Flags.boolean({
    char: 'f',
    summary: 'Serve a folder that inject serve has never served and that holds other files.',
  }),
  delete: Flags.boolean({
    allowNo: true,
    default: true,
    summary: 'Allow clients to delete tags, manifests and blobs.',
  }),
  sparse: Flags.boolean({summary: 'Accept manifests with missing parts.'}),
  'max-blob-size': Flags.integer({
    min: 1,
    helpValue: 'BYTES',
    summary: 'Largest blob to accept.',
  }),
  'max-unfinished': sizeFlag({
    exclusive: ['read-only'],
    summary: 'Space for all unfinished uploads, such as 20G; idle ones are dropped first.',
  }),
  'drain-time': Flags.integer({
    default: 10,
    min: 0,
    helpValue: 'SECONDS',
    summary: 'Time for running requests to finish after SIGTERM.',
  }),
  'gc-interval': duration({
    exclusive: ['read-only'],
    summary: 'Remove unreferenced content this often, such as 1h, as inject store gc does.',
  }),
  log: Flags.option({options: logFormats})({
    default: 'text' as LogFormat,
    helpValue: 'json|text|none',
    summary: 'Format of the request log on stderr.',
  }),
}

interface ServeFlagValues {
  readonly listen: readonly string[]
  readonly auth?: string | undefined
  readonly anonymous?: 'pull' | 'none' | undefined
  readonly 'tls-cert'?: string | undefined
  readonly 'tls-key'?: string | undefined
  readonly 'insecure-bind': boolean
  readonly 'allow-host'?: readonly string[] | undefined
  readonly 'read-only': boolean
  readonly delete: boolean
  readonly sparse: boolean
  readonly 'max-blob-size'?: number | undefined
  readonly 'drain-time': number
  readonly 'gc-interval'?: number | undefined
}

/**
 * What the flags mean; `root` is served at every address that names no folder of its own. Throws
 * `UsageError`.
 */
export function serveOptions(flags: ServeFlagValues, root: string | undefined): ServeOptions {
  const size = flags['max-blob-size']
  return {
    listeners: parseListeners(flags.listen, root),
    htpasswd: parseAuth(flags.auth),
    anonymous: flags.anonymous ?? 'none',
    tls: parseTls(flags['tls-cert'], flags['tls-key']),
    insecureBind: flags['insecure-bind'],
    allowHosts: (flags['allow-host'] ?? []).map(parseHost),
    readOnly: flags['read-only'],
    deletes: flags.delete,
    sparse: flags.sparse,
    limits: size === undefined ? {} : {uploadSize: size},
    drainTime: flags['drain-time'] * 1000,
    collectEvery: parseInterval(flags['gc-interval']),
  }
}

/** `ADDRESS` or `ADDRESS=ROOT`. */
function parseListeners(
  values: readonly string[],
  root: string | undefined,
): readonly ServeListener[] {
  return values.map((value) => {
    const mark = value.indexOf('=')
    const directory = mark < 0 ? root : value.slice(mark + 1)
    if (directory === undefined || directory === '') {
      throw new UsageError('ERR_INJECT_NO_ROOT', `no folder to serve at ${quoted(value)}`, {
        hint: 'use inject serve ROOT, or --listen ADDRESS=ROOT',
      })
    }
    return {...parseListenAddress(mark < 0 ? value : value.slice(0, mark)), directory}
  })
}

/** A name as browsers and clients send it. Throws `UsageError` (`ERR_INJECT_ADDRESS_INVALID`). */
function parseHost(text: string): string {
  // empty for what is not a name, such as one with a port
  const host = isIPv6(text) ? `[${text}]` : domainToASCII(text)
  if (hostOf(host) !== undefined) return host
  throw new UsageError('ERR_INJECT_ADDRESS_INVALID', `invalid host name ${quoted(text)}`, {
    hint: 'write a name or an address, without a port, as in --allow-host registry.example',
  })
}

/** The file of `htpasswd:FILE`. Throws `UsageError` (`ERR_INJECT_AUTH_KIND_UNKNOWN`). */
function parseAuth(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const [, file] = /^htpasswd:(.+)$/s.exec(text) ?? []
  if (file !== undefined) return file
  throw new UsageError('ERR_INJECT_AUTH_KIND_UNKNOWN', `unknown way to log in: ${quoted(text)}`, {
    hint: 'write htpasswd:FILE',
  })
}

/** Throws `UsageError` (`ERR_INJECT_DURATION_INVALID`) for none at all. */
function parseInterval(milliseconds: number | undefined): number | undefined {
  if (milliseconds !== 0) return milliseconds
  throw new UsageError('ERR_INJECT_DURATION_INVALID', '--gc-interval must not be zero', {
    hint: 'write 1s or more',
  })
}

/** Certificate and key, or neither. Throws `UsageError` (`ERR_INJECT_HALF_TLS`) for one of them. */
function parseTls(
  cert: string | undefined,
  key: string | undefined,
): {readonly cert: string; readonly key: string} | undefined {
  if (cert !== undefined && key !== undefined) return {cert, key}
  if (cert === undefined && key === undefined) return undefined
  throw new UsageError(
    'ERR_INJECT_HALF_TLS',
    'a certificate without its key, or a key without its certificate',
    {
      hint: 'use both --tls-cert and --tls-key',
    },
  )
}
