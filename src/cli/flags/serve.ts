import {Flags} from '@oclif/core'
import {isIPv6} from 'node:net'
import {domainToASCII} from 'node:url'
import {UsageError} from '../../errors.js'
import {quoted} from '../../oci/quoted.js'
import type {ServeListener, ServeOptions} from '../../operations/serve/serve.js'
import {hostOf} from '../../server/http/host-name.js'
import {parseListenAddress} from '../../server/http/listen.js'
import {type LogFormat, logFormats} from '../terminal/access-log.js'
import {sizeFlag} from './common.js'
import {duration} from './store.js'

export const serveFlags = {
  listen: Flags.string({
    multiple: true,
    multipleNonGreedy: true,
    default: ['127.0.0.1:5000'],
    helpValue: 'ADDRESS[=ROOT]',
    summary: 'HOST:PORT to listen on (port 0: any), for ROOT or a folder of its own; repeatable.',
  }),
  auth: Flags.string({
    helpValue: 'htpasswd:FILE',
    summary: 'Only users with a bcrypt hash in FILE get in.',
  }),
  anonymous: Flags.option({options: ['pull', 'none'] as const})({
    dependsOn: ['auth'],
    summary: 'What those without a password may do (default: none).',
  }),
  'tls-cert': Flags.string({helpValue: 'FILE', summary: 'Certificate chain, in PEM.'}),
  'tls-key': Flags.string({helpValue: 'FILE', summary: 'Its key, in PEM.'}),
  'insecure-bind': Flags.boolean({
    summary: 'Listen beyond loopback without passwords or without TLS.',
  }),
  'allow-host': Flags.string({
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'NAME',
    summary:
      'Name or address that clients know this registry by (default: loopback, and where it listens); repeatable.',
  }),
  'read-only': Flags.boolean({summary: 'Take nothing and delete nothing.'}),
  'take-over': Flags.boolean({
    exclusive: ['read-only'],
    summary: 'Take the folder from a process that serves it, which ends within seconds.',
  }),
  delete: Flags.boolean({
    allowNo: true,
    default: true,
    summary: 'Tags, manifests and blobs may be deleted.',
  }),
  sparse: Flags.boolean({summary: 'Take manifests whose layers or manifests are not there.'}),
  'max-blob-size': Flags.integer({
    min: 1,
    helpValue: 'BYTES',
    summary: 'Largest blob that is taken.',
  }),
  'max-unfinished': sizeFlag({
    exclusive: ['read-only'],
    summary: 'Most that unfinished uploads may take together, as in 20G; idle ones go first.',
  }),
  'drain-time': Flags.integer({
    default: 10,
    min: 0,
    helpValue: 'SECONDS',
    summary: 'How long running requests may go on after SIGTERM.',
  }),
  'gc-interval': duration({
    exclusive: ['read-only'],
    summary: 'Remove what nothing refers to in this interval, as in 1h, as inject store gc does.',
  }),
  log: Flags.option({options: logFormats})({
    default: 'text' as LogFormat,
    summary: 'Form of the request log: json, text or none.',
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
      throw new UsageError(
        'ERR_INJECT_NO_ROOT',
        `nothing is said to be served at ${quoted(value)}`,
        {
          hint: 'name a folder: inject serve ROOT, or --listen ADDRESS=ROOT',
        },
      )
    }
    return {...parseListenAddress(mark < 0 ? value : value.slice(0, mark)), directory}
  })
}

/** A name as browsers and clients send it. Throws `UsageError` (`ERR_INJECT_ADDRESS_INVALID`). */
function parseHost(text: string): string {
  // empty for what is not a name, such as one with a port
  const host = isIPv6(text) ? `[${text}]` : domainToASCII(text)
  if (hostOf(host) !== undefined) return host
  throw new UsageError('ERR_INJECT_ADDRESS_INVALID', `not the name of a host: ${quoted(text)}`, {
    hint: 'write a name or an address, without a port, as in --allow-host registry.example',
  })
}

/** The file of `htpasswd:FILE`. Throws `UsageError` (`ERR_INJECT_AUTH_KIND_UNKNOWN`). */
function parseAuth(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const [, file] = /^htpasswd:(.+)$/s.exec(text) ?? []
  if (file !== undefined) return file
  throw new UsageError('ERR_INJECT_AUTH_KIND_UNKNOWN', `not a way to log in: ${quoted(text)}`, {
    hint: 'write htpasswd:FILE',
  })
}

/** Throws `UsageError` (`ERR_INJECT_DURATION_INVALID`) for none at all. */
function parseInterval(milliseconds: number | undefined): number | undefined {
  if (milliseconds !== 0) return milliseconds
  throw new UsageError('ERR_INJECT_DURATION_INVALID', 'not an interval: --gc-interval of nothing', {
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
      hint: 'say both --tls-cert and --tls-key',
    },
  )
}
