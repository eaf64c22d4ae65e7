/** Flags, and names that other tools have for them, by the reason why no project file sets them. */
const reasons: readonly (readonly [string, readonly string[]])[] = [
  [
    'credentials are never taken from a project file: use inject login',
    [
      ...['username', 'password', 'password-stdin', 'authfile', 'creds', 'credentials', 'token'],
      ...['cert-dir', 'cert-file', 'key-file', 'cert', 'key', 'secret', 'auth', 'anonymous'],
      ...['tls-cert', 'tls-key', 'identity-token', 'registry-token'],
    ],
  ],
  [
    'it decides whom this machine trusts',
    [
      ...['plain-http', 'insecure', 'tls-verify', 'ca-file', 'trusted-root', 'identity', 'issuer'],
      ...['vendor', 'vendor-key', 'vendor-identity', 'vendor-issuer', 'max-age', 'policy', 'http'],
      ...['insecure-bind', 'allow-host', 'listen', 'allow-expired', 'skip-tls-verify'],
    ],
  ],
  ['it runs a program', ['sign-command', 'sign-public-key']],
  [
    'it signs in your name',
    ['attest', 'sign-key', 'sign-keyless', 'sign-image', 'sbom', 'sign-password'],
  ],
  [
    'it sends something to another place',
    ['mirror', 'to', 'fulcio-url', 'rekor-url', 'repair-from', 'proxy'],
  ],
  [
    'it reads or writes a file of this machine',
    [
      ...['archive', 'cache-dir', 'digestfile', 'dotenv', 'file', 'github-output', 'have', 'html'],
      ...['github-summary', 'junit', 'output', 'report', 'since', 'svg', 'devices', 'sparse'],
    ],
  ],
  [
    'it lifts a limit that protects this machine',
    ['max-size', 'zstd-window', 'max-special', 'max-blob-size', 'max-unfinished', 'max-failures'],
  ],
  [
    'it changes how the image runs, which must be seen where it is done',
    [
      ...['entrypoint', 'cmd', 'env', 'set-env', 'unset-env', 'unset-label', 'user', 'workdir'],
      ...['expose', 'volume', 'stop-signal', 'healthcheck', 'whiteouts', 'adopt'],
    ],
  ],
]

/** Why a project file must not set a flag, as a clause; `undefined` for an unknown one. */
export function refusal(key: string, isFlag: boolean): string | undefined {
  const found = reasons.find(([, keys]) => keys.includes(key))
  if (found) return found[0]
  return isFlag ? 'it belongs to one run' : undefined
}
