import {decodeDocument} from '../../image/document.js'
import {isDigest} from '../../oci/digest.js'
import {formatPlatform, platformOf} from '../../oci/platform.js'
import type {ContentStore} from '../../store/content-store.js'
import type {NameLister} from '../../store/name-lister.js'
import {imageOf} from './fetch-image.js'

/** The most names in a hint; more would not help. */
export const mostNames = 10

/** The first names, and whether there are more. */
export function firstOf(names: readonly string[]): string {
  return `${names.slice(0, mostNames).join(', ')}${names.length > mostNames ? ', …' : ''}`
}

/**
 * The images of a place on disk as the user can type them, those without a name by digest and with
 * their platform; `undefined` if there are none.
 */
export async function nameHint(
  store: ContentStore & NameLister,
  signal: AbortSignal,
): Promise<string | undefined> {
  const names = await store.listNames({signal})
  if (names.length === 0) return undefined
  const shown = await Promise.all(
    names.slice(0, mostNames + 1).map(async (name) => {
      const digest = name.slice(name.lastIndexOf('@') + 1)
      const what = isDigest(digest) ? await kindOf(store, digest, signal) : undefined
      return what === undefined ? name : `${name} (${what})`
    }),
  )
  return `images there: ${firstOf(shown)}`
}

/** What a digest names; `undefined` if that cannot be found out. */
async function kindOf(
  store: ContentStore,
  digest: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const stored = await store.getManifest(digest, {signal})
    const document = stored && decodeDocument(stored)
    if (document?.kind === 'index') return 'index'
    if (document === undefined) return undefined
    return formatPlatform(
      platformOf((await imageOf(store, document.manifest, signal)).config.value),
    )
  } catch {
    return undefined
  }
}
