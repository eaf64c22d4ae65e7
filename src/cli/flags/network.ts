import {Flags} from '@oclif/core'
import {duration} from './store.js'

const group = {helpGroup: 'REGISTRY'} as const

/** How registries are reached, whichever they are. */
export const networkFlags = {
  'plain-http': Flags.boolean({
    ...group,
    allowNo: true,
    summary:
      'Use http instead of https (default on loopback, unless it has certificates in certs.d).',
  }),
  insecure: Flags.boolean({...group, summary: "Do not verify the registry's certificate."}),
  'tls-verify': Flags.option({options: ['true', 'false'] as const})({
    ...group,
    helpValue: 'true|false',
    summary: 'false is the same as --insecure, as in podman and skopeo.',
  }),
  'ca-file': Flags.string({
    ...group,
    helpValue: 'FILE',
    summary: 'Also trust these certificate authorities, in PEM (also SSL_CERT_FILE, SSL_CERT_DIR).',
  }),
  'cert-dir': Flags.string({
    ...group,
    helpValue: 'DIR',
    summary: 'Folder of *.crt, and *.cert with *.key, to use instead of certs.d/HOST[:PORT].',
  }),
  'cert-file': Flags.string({
    ...group,
    helpValue: 'FILE',
    summary: 'Client certificate, in PEM.',
  }),
  'key-file': Flags.string({
    ...group,
    helpValue: 'FILE',
    summary: 'Key of the client certificate, in PEM.',
  }),
  mirror: Flags.string({
    ...group,
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'URL',
    summary: 'Look here first for layers, and for manifests by digest; repeatable.',
  }),
  'retry-times': Flags.integer({
    ...group,
    min: 0,
    max: 100,
    helpValue: 'N',
    summary: 'Retries of a failed request (default: 5).',
  }),
  'retry-delay': duration({
    ...group,
    summary: 'Longest first wait before a retry; doubles up to 30s (default: 250ms).',
  }),
  timeout: duration({
    ...group,
    summary: 'Give up when the command takes longer (default: never).',
  }),
}
