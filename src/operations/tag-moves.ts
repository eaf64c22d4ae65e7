import {UsageError} from '../errors.js'
import type {Digest} from '../oci/digest.js'
import type {Reference} from '../oci/reference.js'
import type {ContentStore, TagMove} from '../store/content-store.js'
import {defaultTag, type LoadedImage} from './load-image.js'

/**
 * The tags that the result goes to, each with where it stands now, before any work is done: whoever moves one meanwhile is not
 * overwritten. Default: the tag in the reference, else `latest`. Throws `UsageError` when only a digest was given, since a digest cannot move.
 */
export async function planTagMoves(
  store: ContentStore,
  reference: Reference,
  tags: readonly string[],
  loaded: LoadedImage,
  signal: AbortSignal,
): Promise<TagMove[]> {
  const moves: TagMove[] = []
  for (const tag of new Set(tags.length > 0 ? tags : [tagOf(reference)])) {
    const from =
      tag === loaded.tag
        ? loaded.image.manifest.descriptor.digest
        : ((await store.statManifest(tag, {signal})) ?? 'absent')
    moves.push({tag, from})
  }
  return moves
}

/** Those of `moves` whose tag does not name `digest` yet. */
export function outstanding(moves: readonly TagMove[], digest: Digest): TagMove[] {
  return moves.filter((move) => move.from !== digest)
}

function tagOf(reference: Reference): string {
  if (reference.tag !== undefined) return reference.tag
  if (reference.digest === undefined) return defaultTag
  throw new UsageError(
    'ERR_INJECT_NO_TAG',
    'the image is named by its digest, which cannot be moved',
    {hint: 'say --tag TAG for the result'},
  )
}
