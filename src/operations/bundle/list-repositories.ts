import {PreconditionError} from '../../errors.js'
import {pathBelow} from '../../oci/names/registry-prefix.js'
import type {Ports} from '../../ports.js'
import {canListRepositories} from '../../store/repository-lister.js'
import type {BundlePlace} from './bundle-place.js'

/**
 * The repositories of a registry below a path, and the one that the path itself names. Nothing for
 * places of other kinds. Throws what the registry's list throws, unless a path names a repository.
 */
export async function* listPlaceRepositories(
  place: BundlePlace,
  {openStore, signal}: Pick<Ports, 'openStore' | 'signal'>,
): AsyncGenerator<string, void, undefined> {
  if (place.kind !== 'registry') return
  const {registry, path} = place.prefix
  // any name will do: it is the registry that is asked
  const repository = path === '' ? 'catalog' : path
  const store = await openStore({kind: 'registry', registry, repository}, {writes: false})
  try {
    if (path !== '') yield path
    if (!canListRepositories(store)) return
    for await (const name of store.listRepositories({signal}))
      if (pathBelow(place.prefix, name) !== undefined && name !== path) yield name
  } catch (error) {
    const isUnlisted =
      error instanceof PreconditionError && error.code === 'ERR_INJECT_NO_CATALOG' && path !== ''
    if (!isUnlisted) throw error
  } finally {
    await store.close()
  }
}
