import {X509Certificate} from 'node:crypto'
import {readdirSync, readFileSync} from 'node:fs'
import {delimiter, join} from 'node:path'
import tls from 'node:tls'
import {certsFolders, findCertsFolder} from '../tls/certs-d.js'
import type {Peer, TrustOptions} from '../tls/trust.js'

/**
 * Which of the sources of `createTrust` contains the authority at the end of a chain; the first one
 * counts: Node's own, an environment variable, a flag, a file in a folder. `undefined` when none of
 * them contains it.
 */
export function findTrustSource(
  chain: readonly X509Certificate[],
  options: TrustOptions,
  peer: Peer & {readonly registry: string},
): string | undefined {
  const last = chain.at(-1)
  if (!last) return undefined
  const prints = new Set(chain.map(({fingerprint256}) => fingerprint256))
  const isOurs = (authority: X509Certificate): boolean =>
    prints.has(authority.fingerprint256) ||
    (last.checkIssued(authority) && last.verify(authority.publicKey))
  for (const {name, text} of sources(options, peer)) {
    if (certificatesIn(text()).some(isOurs)) return name
  }
  return undefined
}

interface Source {
  readonly name: string
  /** PEM; read when it is needed. */
  readonly text: () => string
}

function* sources(
  options: TrustOptions,
  peer: Peer & {readonly registry: string},
): Iterable<Source> {
  const {authorities = [], caFile, env} = options
  yield {name: "Node's own authorities", text: () => tls.rootCertificates.join('\n')}
  if (env['NODE_EXTRA_CA_CERTS']) yield file(env['NODE_EXTRA_CA_CERTS'], 'NODE_EXTRA_CA_CERTS ')
  yield {name: 'the caller', text: () => authorities.join('\n')}
  if (caFile !== undefined) yield file(caFile, '--ca-file ')
  if (env['SSL_CERT_FILE']) yield file(env['SSL_CERT_FILE'], 'SSL_CERT_FILE ')
  for (const folder of (env['SSL_CERT_DIR'] ?? '').split(delimiter).filter(Boolean)) {
    for (const name of listed(folder)) yield file(join(folder, name), 'SSL_CERT_DIR ')
  }
  const folder = ownFolder(options, peer)
  for (const name of folder === undefined ? [] : listed(folder)) {
    if (name.endsWith('.crt')) yield file(join(folder ?? '', name))
  }
}

function ownFolder(
  options: TrustOptions,
  {url, registry}: Peer & {readonly registry: string},
): string | undefined {
  if (options.certDir !== undefined) return options.certDir
  const port = url.port || '443'
  const names = [registry, url.host, `${url.hostname}:${port}`]
  return findCertsFolder(options.certsFolders ?? certsFolders(options.home), names)
}

function file(path: string, title = ''): Source {
  return {
    name: `${title}${path}`,
    text: () => {
      try {
        return readFileSync(path, 'utf8')
      } catch {
        // folders contain unrelated files; the necessary ones were read before
        return ''
      }
    },
  }
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch {
    return []
  }
}

function certificatesIn(text: string): X509Certificate[] {
  return text.split(/(?=-----BEGIN )/).flatMap((block) => {
    try {
      return [new X509Certificate(block)]
    } catch {
      return []
    }
  })
}
