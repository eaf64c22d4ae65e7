import {UsageError} from '../../../errors.js'
import {quoted} from '../../../oci/quoted.js'

/** The name of a variable or label. Throws `UsageError`, as all of these do. */
export function parseName(text: string): string {
  if (/^[^=\0]+$/.test(text)) return text
  throw invalid('a name', text, 'write the name alone, without a value')
}

/** `80`, `80/tcp`, `53/udp`, as `80/tcp` and so on. */
export function parsePort(text: string): string {
  const [, port = '', protocol = 'tcp'] = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/.exec(text) ?? []
  if (Number(port) >= 1 && Number(port) <= 65_535) return `${Number(port)}/${protocol}`
  throw invalid('a port', text, 'write PORT, PORT/tcp, PORT/udp or PORT/sctp, as in 8080/tcp')
}

/** A path in the image, from its root; one of Windows begins with a drive. */
export function parsePath(text: string): string {
  if (/^(?:\/|[A-Za-z]:[\\/])[^\0]*$/.test(text)) return text
  throw invalid('a path from the root', text, 'write it from the root of the image, as in /srv/app')
}

/** `SIGTERM`, `SIGRTMIN+3` or a number. */
export function parseSignal(text: string): string {
  if (/^(?:SIG[A-Z0-9]+(?:[+-]\d{1,2})?|[1-9]\d?)$/.test(text)) return text
  throw invalid('a signal', text, 'write a name as SIGTERM, or a number')
}

function invalid(what: string, text: string, hint: string): UsageError {
  return new UsageError('ERR_INJECT_CONFIG_VALUE_INVALID', `not ${what}: ${quoted(text)}`, {hint})
}
