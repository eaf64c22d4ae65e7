import {formatPlatform} from '../oci/platform.js'
import type {Reference} from '../oci/names/reference.js'
import type {Ports} from '../ports.js'
import {inspect} from './inspect.js'

/** What of a repository or an image is to be listed. */
export type SuggestedKind = 'tag' | 'platform' | 'slot'

/** More tags than anyone reads. */
const mostTags = 1000

/**
 * The tags of a repository (at most 1,000), or the platforms or slots of an image, for a user who
 * has to choose one. Throws what `inspect` and `listTags` throw.
 */
export async function suggest(
  kind: SuggestedKind,
  reference: Reference,
  ports: Ports,
): Promise<string[]> {
  if (kind === 'tag') return tagsOf(reference, ports)
  const found = await inspect({reference}, ports)
  const images = 'images' in found ? found.images : [found]
  const names =
    kind === 'platform'
      ? images.map(({platform}) => formatPlatform(platform))
      : images.flatMap(({slots}) => slots.map(({name}) => name))
  return [...new Set(names)]
}

async function tagsOf(reference: Reference, {openStore, signal}: Ports): Promise<string[]> {
  const store = await openStore(reference, {writes: false})
  try {
    const tags: string[] = []
    for await (const tag of store.listTags({signal})) {
      tags.push(tag)
      if (tags.length === mostTags) break
    }
    return tags
  } finally {
    await store.close()
  }
}
