import {InjectError, NotFoundError} from '../../errors.js'
import {pathBelow} from '../../oci/names/registry-prefix.js'
import type {ContentStore} from '../../store/content-store.js'
import {canListRepositories} from '../../store/repository-lister.js'
import {inLanes} from '../../stream/in-lanes.js'
import {type ImageName, imageName} from './image-names.js'
import type {NameFilter} from './name-filter.js'
import type {CopyPlaces} from './open-places.js'
import type {CopyAllOptions} from './request.js'

/** Repositories whose tags are asked for at once; a host is sent as many requests. */
const atOnce = 6

/** All that is to be copied, and the repositories whose tags could not be listed. */
export interface FoundImages {
  readonly images: readonly ImageName[]
  readonly failures: readonly {readonly repository: string; readonly error: InjectError}[]
}

/**
 * Lists the wanted tags of the source. Throws `NotFoundError` (`ERR_INJECT_NO_REPOSITORIES`) where
 * no repository is wanted, and what listing the repositories throws.
 */
export async function listImages(
  options: CopyAllOptions,
  filter: NameFilter,
  places: CopyPlaces,
  signal: AbortSignal,
): Promise<FoundImages> {
  const repositories = await listRepositories(options, filter, places, signal)
  const tags = new Map<string, string[]>()
  const failures: {repository: string; error: InjectError}[] = []
  const listTags = async (repository: string): Promise<void> => {
    const wanted: string[] = []
    tags.set(repository, wanted)
    try {
      const store = await places.source(repository)
      for await (const tag of store.listTags({signal}))
        if (filter.tag(repository, tag) && !isReferrersList(tag, options)) wanted.push(tag)
    } catch (error) {
      if (!(error instanceof InjectError)) throw error
      failures.push({repository, error})
    }
  }
  await inLanes(repositories, listTags, {width: atOnce, signal})
  const images = repositories.flatMap((repository) =>
    (tags.get(repository) ?? []).map((tag) => imageName(options, repository, tag)),
  )
  return {images, failures}
}

async function listRepositories(
  options: CopyAllOptions,
  filter: NameFilter,
  places: CopyPlaces,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const {from} = options
  const isWanted = (name: string): boolean =>
    pathBelow(from, name) !== undefined && filter.repository(name)
  const found: string[] = []
  if (filter.named) found.push(...filter.named.filter(isWanted))
  else {
    // any name will do: it is the registry that is asked
    const store: ContentStore = await places.source(from.path === '' ? 'catalog' : from.path)
    if (canListRepositories(store))
      for await (const name of store.listRepositories({signal}))
        if (isWanted(name)) found.push(name)
  }
  if (found.length > 0) return found
  throw new NotFoundError(
    'ERR_INJECT_NO_REPOSITORIES',
    `${from.registry} lists no repository that is to be copied`,
    {hint: 'check the path after the host, and --include and --exclude'},
  )
}

/** The list of an image's referrers under a tag, which the copy makes again with them. */
function isReferrersList(tag: string, {referrers}: CopyAllOptions): boolean {
  return referrers && /^sha(?:256|512)-[0-9a-f]{64}$/.test(tag)
}
