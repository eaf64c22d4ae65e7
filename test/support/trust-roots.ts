import type {WalkedEntry} from '../../src/layer/tree/walked-entry.js'
import {emptyJks} from '../../src/trust/jks.js'
import {makeFile, makeLink, makeRoot} from './files.js'
import {makeEntry} from './put-image.js'

/** The trust stores of a made-up root file system: where they are, and what must be in them. */
export interface TrustRoot {
  readonly entries: WalkedEntry[]
  /** Where programs read, whatever links are on the way. */
  readonly bundles: readonly string[]
  readonly anchors: readonly string[]
  readonly hashes: readonly string[]
  readonly keystores: readonly string[]
}

export type Distribution = 'debian' | 'alpine' | 'ubi' | 'suse' | 'distroless' | 'empty'

/** Roots with the stores of distributions in their places; `vendor` is PEM. */
export function trustRoot(distribution: Distribution, vendor: string): TrustRoot {
  const none = {anchors: [], hashes: [], keystores: []}
  const bundle = (path: string) => makeFile(path, vendor, {mode: 0o444})
  switch (distribution) {
    case 'debian':
      return {
        entries: makeRoot([
          bundle('etc/ssl/certs/ca-certificates.crt'),
          makeFile('usr/share/ca-certificates/mozilla/vendor.crt', vendor),
          makeLink('etc/ssl/certs/vendor.pem', '/usr/share/ca-certificates/mozilla/vendor.crt'),
          makeLink('etc/ssl/certs/0a0a0a0a.0', 'vendor.pem'),
          makeEntry('usr/local/share/ca-certificates/'),
          makeFile('etc/ssl/certs/java/cacerts', emptyJks(), {mode: 0o644}),
          makeLink(
            'usr/lib/jvm/java-17-openjdk-amd64/lib/security/cacerts',
            '/etc/ssl/certs/java/cacerts',
          ),
        ]),
        bundles: ['/etc/ssl/certs/ca-certificates.crt'],
        anchors: ['/usr/local/share/ca-certificates'],
        hashes: ['/etc/ssl/certs'],
        keystores: ['/etc/ssl/certs/java/cacerts'],
      }
    case 'alpine':
      return {
        ...none,
        entries: makeRoot([
          bundle('etc/ssl/certs/ca-certificates.crt'),
          makeLink('etc/ssl/cert.pem', 'certs/ca-certificates.crt'),
          makeEntry('usr/local/share/ca-certificates/'),
        ]),
        bundles: ['/etc/ssl/certs/ca-certificates.crt', '/etc/ssl/cert.pem'],
        anchors: ['/usr/local/share/ca-certificates'],
      }
    case 'ubi':
      return {
        ...none,
        entries: makeRoot([
          bundle('etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem'),
          bundle('etc/pki/ca-trust/extracted/openssl/ca-bundle.trust.crt'),
          makeFile('etc/pki/ca-trust/extracted/java/cacerts', emptyJks(), {mode: 0o444}),
          makeEntry('etc/pki/ca-trust/source/anchors/'),
          makeLink(
            'etc/pki/tls/certs/ca-bundle.crt',
            '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
          ),
          makeLink('etc/pki/tls/cert.pem', '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem'),
          makeLink('etc/pki/java/cacerts', '/etc/pki/ca-trust/extracted/java/cacerts'),
          makeLink('etc/ssl/certs', '../pki/tls/certs'),
        ]),
        bundles: ['/etc/pki/tls/certs/ca-bundle.crt', '/etc/pki/tls/cert.pem'],
        anchors: ['/etc/pki/ca-trust/source/anchors'],
        keystores: ['/etc/pki/java/cacerts'],
      }
    case 'suse':
      return {
        ...none,
        entries: makeRoot([
          bundle('var/lib/ca-certificates/ca-bundle.pem'),
          makeFile('var/lib/ca-certificates/pem/0a0a0a0a.0', vendor),
          makeFile('var/lib/ca-certificates/java-cacerts', emptyJks()),
          makeEntry('etc/pki/trust/anchors/'),
          makeLink('etc/ssl/ca-bundle.pem', '/var/lib/ca-certificates/ca-bundle.pem'),
          makeLink('etc/ssl/certs', '/var/lib/ca-certificates/pem'),
        ]),
        bundles: ['/etc/ssl/ca-bundle.pem', '/var/lib/ca-certificates/ca-bundle.pem'],
        anchors: ['/etc/pki/trust/anchors'],
        hashes: ['/etc/ssl/certs'],
        keystores: ['/var/lib/ca-certificates/java-cacerts'],
      }
    case 'distroless':
      return {
        ...none,
        entries: makeRoot([bundle('etc/ssl/certs/ca-certificates.crt')]),
        bundles: ['/etc/ssl/certs/ca-certificates.crt'],
      }
    case 'empty':
      return {
        ...none,
        entries: [makeEntry('app')],
        bundles: ['/etc/ssl/certs/ca-certificates.crt'],
      }
  }
}
