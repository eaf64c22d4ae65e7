import {NotFoundError} from '../../errors.js'
import {decodeDocument, type Document} from '../../image/document.js'
import {formatReference, type Reference} from '../../oci/names/reference.js'
import type {ContentStore, StoredManifest} from '../../store/content-store.js'
import {listsNames} from '../../store/name-lister.js'
import type {LayoutStore} from '../../store/layout/layout-store.js'
import type {Ports} from '../../ports.js'
import {firstOf, mostNames, nameHint} from './name-hint.js'

/** The tag that a registry assumes when there is no tag or digest, as docker does. */
export const defaultTag = 'latest'

interface Tagged {
  /** The tag that it was found by; `undefined` when a digest named it. */
  readonly tag: string | undefined
}

/** The image or index that a reference names, decoded. */
export type FoundDocument = Document & Tagged

/** The bytes that a reference names, as they are stored, not decoded. */
export interface FoundManifest extends Tagged {
  readonly stored: StoredManifest
}

/**
 * The image or index that `reference` names. Throws what `findManifest` and `decodeDocument` throw.
 */
export async function findDocument(
  store: ContentStore,
  reference: Reference,
  ports: Pick<Ports, 'report' | 'signal'>,
): Promise<FoundDocument> {
  const {stored, tag} = await findManifest(store, reference, ports)
  return {...decodeDocument(stored), tag}
}

/**
 * The manifest of any kind that `reference` names. Without tag and digest it is `latest`, or the
 * only one of an OCI layout. Throws `NotFoundError`.
 */
export async function findManifest(
  store: ContentStore,
  reference: Reference,
  {report, signal}: Pick<Ports, 'report' | 'signal'>,
): Promise<FoundManifest> {
  report({kind: 'step', step: 'read image', on: formatReference(reference)})
  const {tag, digest} = await wanted(store, reference, {report, signal})
  const name = digest ?? tag ?? defaultTag
  const stored = await store.getManifest(name, {signal})
  if (stored) return {stored, tag: digest ? undefined : tag}
  throw new NotFoundError(
    'ERR_INJECT_IMAGE_NOT_FOUND',
    `there is no image ${digest ? `with digest ${name}` : `tagged ${name}`} in ${store.name}`,
    {
      hint: (await tagHint(store, signal)) ?? 'check the name and the tag',
    },
  )
}

/**
 * Without tag and digest: `latest` if it exists, else the only image there is, if the store can
 * tell.
 */
async function wanted(
  store: ContentStore,
  reference: Reference,
  {report, signal}: Pick<Ports, 'report' | 'signal'>,
): Promise<Pick<Reference, 'tag' | 'digest'>> {
  if (reference.digest ?? reference.tag) return reference
  if (isLayout(store) && !(await store.statManifest(defaultTag, {signal}))) {
    const digest = await store.onlyManifest()
    if (digest) return {digest}
  }
  report({kind: 'notice', message: `no tag given: using ${store.name}:${defaultTag}`})
  return {tag: defaultTag}
}

/** Tests the store's ability, not its kind: any store may know that it holds only one image. */
function isLayout(store: ContentStore): store is LayoutStore {
  return 'onlyManifest' in store
}

/**
 * A hint with a few of the existing images, as the user can type them; `undefined` if listing them
 * fails.
 */
async function tagHint(store: ContentStore, signal: AbortSignal): Promise<string | undefined> {
  try {
    if (listsNames(store)) return await nameHint(store, signal)
    const tags: string[] = []
    for await (const tag of store.listTags({signal})) {
      tags.push(tag)
      if (tags.length > mostNames) break
    }
    return tags.length === 0 ? undefined : `tags there: ${firstOf(tags)}`
  } catch {
    return undefined
  }
}
