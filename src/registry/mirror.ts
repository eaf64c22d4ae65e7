import {UsageError} from '../errors.js'
import {quoted} from '../oci/quoted.js'

export interface Mirror {
  /** `HOST[:PORT]` of the mirror, which selects its credentials and certificates. */
  readonly registry: string
  /** The repository on the mirror: under the mirror's prefix, if it has one. */
  readonly repository: string
  readonly plainHttp: boolean | undefined
}

/**
 * The repository's place on a mirror (`https://mirror.example/prefix`, `http://…`, or without the
 * scheme). Throws `UsageError` (`ERR_INJECT_MIRROR_INVALID`) for an invalid address.
 */
export function parseMirror(address: string, {repository}: {readonly repository: string}): Mirror {
  const found =
    /^(?:(https?):\/\/)?((?:[\w.-]{1,253}|\[[\da-f:.]+\])(?::\d{1,5})?)((?:\/[a-z\d]+(?:[._-]+[a-z\d]+)*)*)\/?$/i.exec(
      address,
    )
  const [, scheme, registry, prefix = ''] = found ?? []
  if (registry === undefined || !isHost(registry)) {
    throw new UsageError(
      'ERR_INJECT_MIRROR_INVALID',
      `not the address of a mirror: ${shown(address)}`,
      {
        hint: 'write it as https://mirror.example or https://mirror.example/prefix',
      },
    )
  }
  return {
    registry,
    repository: `${prefix.slice(1)}${prefix ? '/' : ''}${repository}`,
    plainHttp: scheme === undefined ? undefined : scheme.toLowerCase() === 'http',
  }
}

function isHost(text: string): boolean {
  return URL.canParse(`https://${text}`)
}

/** An address with an "@" may contain a password. */
function shown(address: string): string {
  return address.includes('@') ? 'it carries a user or a password' : quoted(address, 80)
}
