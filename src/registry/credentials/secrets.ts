import type {Credential} from './credential.js'

/** Shorter texts are parts of too many words, and would not be secret for long. */
const shortest = 4

/**
 * Texts that an error must not repeat, even if a server does: each in plain form, and as in headers
 * and forms.
 */
export function secretsOf(
  credential: Credential | undefined,
  headers: readonly (string | undefined)[],
): string[] {
  const own =
    credential === undefined
      ? []
      : credential.kind === 'password'
        ? [
            credential.password,
            base64(credential.password),
            base64(`${credential.username}:${credential.password}`),
          ]
        : [
            credential.token,
            base64(credential.token),
            ...(credential.kind === 'identity-token'
              ? [base64(`${credential.username ?? '<token>'}:${credential.token}`)]
              : []),
          ]
  const sent = headers.flatMap((header) => (header === undefined ? [] : inHeader(header)))
  const all = new Set([...own, ...sent].flatMap((text) => [text, encodeURIComponent(text)]))
  // longest first, because a secret may contain another one
  return [...all].filter(({length}) => length >= shortest).sort((a, b) => b.length - a.length)
}

/** `text` without the secrets. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, '…'), text)
}

function inHeader(header: string): string[] {
  const [scheme = '', ...rest] = header.split(' ')
  if (!/^(?:Basic|Bearer)$/i.test(scheme)) return [header]
  const value = rest.join(' ')
  if (/^Bearer$/i.test(scheme)) return [value]
  return [
    value,
    Buffer.from(value, 'base64')
      .toString()
      .replace(/^[^:]*:/, ''),
  ]
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
