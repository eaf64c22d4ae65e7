/**
 * Where distributions keep the certificates that programs trust. Paths are absolute; several of
 * them may be one file, by links.
 */

/**
 * Files of PEM certificates one after the other, those that most programs read first: the first of
 * an image's is what environment variables name.
 */
export const bundles: readonly string[] = [
  // Debian, Ubuntu, Alpine, Wolfi, distroless, Arch
  '/etc/ssl/certs/ca-certificates.crt',
  // RHEL, Fedora, UBI, Amazon Linux; the first is where programs look, by a link to the second
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/pki/ca-trust/extracted/openssl/ca-bundle.trust.crt',
  // SUSE; the first is where programs look, by a link to the second
  '/etc/ssl/ca-bundle.pem',
  '/var/lib/ca-certificates/ca-bundle.pem',
  // LibreSSL, OpenSSL of Alpine and of RHEL 10
  '/etc/ssl/cert.pem',
  '/etc/pki/tls/cert.pem',
  '/etc/ssl/certs/ca-bundle.crt',
  '/etc/ca-certificates/extracted/tls-ca-bundle.pem',
]

/** What an image without any of these gets. */
export const usualBundle = '/etc/ssl/certs/ca-certificates.crt'

/**
 * Folders from which `update-ca-certificates` and `update-ca-trust` make the others, one
 * certificate a file.
 */
export const anchorFolders: readonly string[] = [
  // Debian, Ubuntu, Alpine, Wolfi
  '/usr/local/share/ca-certificates',
  // RHEL, Fedora, UBI, Amazon Linux
  '/etc/pki/ca-trust/source/anchors',
  // SUSE
  '/etc/pki/trust/anchors',
  // Arch
  '/etc/ca-certificates/trust-source/anchors',
]

/** Folders in which OpenSSL looks for a certificate by the hash of its subject. */
export const hashFolders: readonly string[] = [
  '/etc/ssl/certs',
  '/etc/pki/tls/certs',
  '/etc/pki/ca-trust/extracted/pem/directory-hash',
  '/var/lib/ca-certificates/openssl',
  '/var/lib/ca-certificates/pem',
]

/** Java keystores of distributions; each JDK may have one of its own, see `isKeystore`. */
export const keystores: readonly string[] = [
  '/etc/ssl/certs/java/cacerts',
  '/etc/pki/java/cacerts',
  '/etc/pki/ca-trust/extracted/java/cacerts',
  '/var/lib/ca-certificates/java-cacerts',
]

/** Whether a JDK, wherever it is, keeps its list of authorities at this path. */
export function isKeystore(path: string): boolean {
  return /\/lib\/security\/cacerts$/.test(path)
}

/** Variables that name a bundle to OpenSSL and Go, to Node.js, and to Python's requests. */
export const bundleVariables: readonly string[] = [
  'SSL_CERT_FILE',
  'NODE_EXTRA_CA_CERTS',
  'REQUESTS_CA_BUNDLE',
]
