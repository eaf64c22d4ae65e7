import {
  formatRegistryPrefix,
  parseRegistryPrefix,
  type RegistryPrefix,
} from '../../oci/names/registry-prefix.js'
import {parseReference} from '../../oci/names/reference.js'
import {UsageError} from '../../errors.js'

/** One side of a gap that bundles go over: all of it, not one image. */
export type BundlePlace =
  | {readonly kind: 'layout'; readonly directory: string}
  | {readonly kind: 'registry'; readonly prefix: RegistryPrefix}
  /** A folder that `inject serve` serves, or will. */
  | {readonly kind: 'root'; readonly directory: string}

/**
 * Reads `oci:DIR`, `HOST[:PORT][/PATH]`, or a path that begins with `/`, `./` or `../`. Throws
 * `UsageError`; `what` names the text in messages.
 */
export function parseBundlePlace(text: string, what: string): BundlePlace {
  if (text.startsWith('oci:')) {
    const reference = parseReference(text)
    if (reference.kind === 'layout' && !reference.tag && !reference.digest)
      return {kind: 'layout', directory: reference.directory}
    throw new UsageError('ERR_INJECT_USAGE', `${what} names one image of a layout`, {
      hint: 'write oci:DIR, without a tag',
    })
  }
  if (/^\.{0,2}(?:\/|$)/.test(text) && text !== '') return {kind: 'root', directory: text}
  return {kind: 'registry', prefix: parseRegistryPrefix(text, what)}
}

/** As the user types it. */
export function formatBundlePlace(place: BundlePlace): string {
  switch (place.kind) {
    case 'layout':
      return `oci:${place.directory}`
    case 'root':
      return place.directory
    case 'registry':
      return formatRegistryPrefix(place.prefix)
  }
}
