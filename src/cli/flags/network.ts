import {Flags} from '@oclif/core'
import {duration} from './store.js'

const group = {helpGroup: 'REGISTRY'} as const

/** How registries are reached, whichever they are. */
export const networkFlags = {
  'plain-http': Flags.boolean({
    ...group,
    allowNo: true,
    summary:
      'Speak http, not https (loopback: http unless there are certificates, or --no-plain-http).',
  }),
  insecure: Flags.boolean({...group, summary: "Do not check the registry's certificate."}),
  'tls-verify': Flags.option({options: ['true', 'false'] as const})({
    ...group,
    helpValue: 'true|false',
    summary: 'false is --insecure, as podman and skopeo have it.',
  }),
  'ca-file': Flags.string({
    ...group,
    helpValue: 'FILE',
    summary: 'Certificate authorities (PEM) to trust as well (also SSL_CERT_FILE, SSL_CERT_DIR).',
  }),
  'cert-dir': Flags.string({
    ...group,
    helpValue: 'DIR',
    summary: 'Folder of *.crt, and *.cert with *.key, instead of HOST[:PORT] in certs.d.',
  }),
  'cert-file': Flags.string({
    ...group,
    helpValue: 'FILE',
    summary: 'Client certificate (PEM) for the registry.',
  }),
  'key-file': Flags.string({...group, helpValue: 'FILE', summary: 'Its key (PEM).'}),
  mirror: Flags.string({
    ...group,
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'URL',
    summary: 'Where layers, and manifests by digest, are looked for first; repeatable.',
  }),
  'retry-times': Flags.integer({
    ...group,
    min: 0,
    max: 100,
    helpValue: 'N',
    summary: 'How often a request is tried again (default: 5).',
  }),
  'retry-delay': duration({
    ...group,
    summary: 'The longest first wait between tries; it doubles up to 30s (default: 250ms).',
  }),
  timeout: duration({
    ...group,
    summary: 'Give up when the whole command takes longer (default, and 0s: never).',
  }),
}
