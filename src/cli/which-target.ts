import {parseReference, type Reference} from '../oci/reference.js'
import {parseRegistryName} from '../registry/credentials/registry-name.js'

/** An image, or a registry alone as `login` takes it (its repository is empty): `localhost`, an IPv6 address, or a name with a dot in it, and no slash. Throws `UsageError`. */
export function whichTarget(text: string): Reference {
  const name = text.replace(/\/$/, '')
  const isHost = /^(?:localhost|[\w-]+(?:\.[\w-]+)+|\[[\da-f:.]+\])(?::\d+)?$/i.test(name)
  return isHost
    ? {kind: 'registry', registry: parseRegistryName(name), repository: ''}
    : parseReference(text)
}
