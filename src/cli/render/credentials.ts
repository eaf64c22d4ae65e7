import type {LoginResult} from '../../operations/login/login.js'
import type {LogoutResult} from '../../operations/login/logout.js'
import type {ProgressEvent} from '../../ports.js'
import type {WhichResult} from '../../operations/login/which-credentials.js'
import type {CredentialPlace} from '../../registry/credentials/credential-writer.js'
import {plainText} from './text/escape.js'

export const shownLogin = {
  line: (): undefined => undefined,
  summary: ({registry, username, stored}: LoginResult): ProgressEvent => ({
    kind: 'notice',
    message: `logged in to ${registry} as ${username}; kept ${placed(stored)}`,
  }),
}

export const shownLogout = {
  line: (): undefined => undefined,
  summary: ({registries}: LogoutResult): ProgressEvent => {
    const done = registries.map(({registry, removed}) =>
      removed.length === 0
        ? `there was no login for ${registry}`
        : `logged out of ${registry}, ${removed.map(placed).join(' and ')}`,
    )
    const message = done.length === 0 ? 'there was no login' : done.join('; ')
    return {kind: 'notice', message}
  },
}

export const shownWhich = {
  line: (found: WhichResult): string => `${printable(found.registry)}  ${loginText(found)}`,
}

/** `password of ci, from ~/.docker/config.json (auths registry.example)`, or `anonymous`. */
export function loginText({source, username, kind}: WhichResult): string {
  const who = username === null ? '' : ` of ${username}`
  const what = kind === null ? 'anonymous' : `${kinds[kind]}${who}`
  return printable(`${what}${origin(source)}`)
}

const kinds = {
  password: 'password',
  'identity-token': 'identity token',
  'registry-token': 'registry token',
} as const

function origin(source: WhichResult['source']): string {
  switch (source.kind) {
    case 'flags':
      return ', from --username and --password-stdin'
    case 'environment':
      return ', from INJECT_USERNAME and INJECT_PASSWORD'
    case 'file':
      return `, from ${source.file} (auths ${source.key})`
    case 'helper':
      return `, from docker-credential-${source.helper} (${source.member} in ${source.file})`
    default:
      return ''
  }
}

function placed({file, helper}: CredentialPlace): string {
  return helper === undefined ? `in ${file}` : `by docker-credential-${helper}`
}

/** Keys of files are untrusted: nothing of them may steer the terminal. */
function printable(line: string): string {
  return plainText(line)
}
