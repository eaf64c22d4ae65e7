import {fullName, type ImageName} from '../../archive/saved-documents.js'
import {PreconditionError} from '../../errors.js'
import type {Digest} from '../../oci/digest.js'
import {referenceIn, repositoryName} from '../../oci/names/reference.js'
import {quoted} from '../../oci/quoted.js'
import type {Ports} from '../../ports.js'
import type {ContentStore} from '../../store/content-store.js'
import {createMemoryStore} from '../../store/memory-store.js'
import type {RepositoryRoot} from '../../store/repository.js'
import {openRepositoryRoot} from '../../store/served/open-root.js'
import {type BundlePlace, formatBundlePlace} from './bundle-place.js'
import {openTarget} from '../copy/places.js'
import {listPlaceRepositories} from './list-repositories.js'

/** Where an image of a bundle goes in a place. */
export interface Destination {
  /** The repository in the registry or root; empty: the place is one layout. */
  readonly repository: string
  /** `undefined`: the image gets no tag. */
  readonly tag: string | undefined
  /** Where it is then, without tag and digest, as users type it. */
  readonly name: string
}

/** The place that a bundle is loaded into, with its repositories as stores. */
export interface BundleTarget {
  /** Throws `PreconditionError` (`ERR_INJECT_BUNDLE_UNNAMED`) for an image without a repository. */
  destination(name: ImageName | undefined, digest: Digest): Destination
  /** Opened once, and closed with the target. Made if it is missing, unless nothing is written. */
  open(repository: string): Promise<ContentStore>
  /** All repositories, to look for what one of them has already. */
  repositories(): AsyncIterable<string>
  /**
   * Takes a blob from another repository of the place, without sending it: `true` when that is
   * done; else the caller lets `putBlob` do it.
   */
  link(digest: Digest, from: string, to: string): Promise<boolean>
  close(): Promise<void>
}

/** Opens the place; with `dryRun` nothing is made or written. */
export async function openBundleTarget(
  place: BundlePlace,
  {dryRun}: {readonly dryRun: boolean},
  ports: Pick<Ports, 'openStore' | 'signal'>,
): Promise<BundleTarget> {
  const opened = new Map<string, Promise<ContentStore>>()
  const root =
    place.kind === 'root'
      ? await openRepositoryRoot(place.directory, {
          ...{create: !dryRun, shared: true, readOnly: dryRun, refuseForeign: true},
        })
      : undefined

  const openNew = (repository: string): Promise<ContentStore> => {
    const how = {dryRun, noClobber: false}
    if (place.kind === 'layout') return openTarget(place, how, ports)
    if (place.kind === 'root') return openInRoot(root, repository, dryRun)
    const {registry} = place.prefix
    return openTarget({kind: 'registry', registry, repository}, how, ports)
  }
  return {
    destination: (name, digest) => destinationIn(place, name, digest),
    open(repository) {
      const store = opened.get(repository) ?? openNew(repository)
      opened.set(repository, store)
      return store
    },
    repositories: () =>
      root ? root.listRepositories({signal: ports.signal}) : listPlaceRepositories(place, ports),
    async link(digest, from, to) {
      const repository = dryRun ? undefined : await root?.openRepository(to)
      return repository?.mountBlob(digest, from, {signal: ports.signal}) ?? false
    },
    async close() {
      const stores = await Promise.allSettled(opened.values())
      for (const each of stores) if (each.status === 'fulfilled') await each.value.close()
      await root?.close()
    },
  }
}

async function openInRoot(
  root: RepositoryRoot | undefined,
  name: string,
  dryRun: boolean,
): Promise<ContentStore> {
  const store = dryRun ? await root?.openRepository(name) : await root?.createRepository(name)
  return store ?? createMemoryStore(name)
}

function destinationIn(
  place: BundlePlace,
  name: ImageName | undefined,
  digest: Digest,
): Destination {
  const where = formatBundlePlace(place)
  if (place.kind === 'layout') {
    // a layout of many images tells them apart by their whole names
    const tag = name && (fullName(name) ?? name.tag)
    return {repository: '', tag, name: where}
  }
  const path = name?.repository === undefined ? undefined : pathOf(name.repository)
  if (name === undefined || path === undefined) throw unnamed(name?.tag ?? digest, where)
  const prefix = place.kind === 'registry' && place.prefix.path ? `${place.prefix.path}/` : ''
  const repository = `${prefix}${path}`
  const host = place.kind === 'registry' ? place.prefix.registry : place.directory
  return {repository, tag: name.tag, name: `${host}/${repository}`}
}

/** Without the registry's host. */
function pathOf(repository: string): string | undefined {
  const reference = referenceIn(repository)
  if (reference?.kind !== 'registry' || repositoryName(reference) !== repository) return undefined
  return reference.repository
}

function unnamed(name: string, where: string): PreconditionError {
  return new PreconditionError(
    'ERR_INJECT_BUNDLE_UNNAMED',
    `the bundle does not say which repository of ${where} the image ${quoted(name)} belongs to`,
    {hint: 'name the image by save --as REGISTRY/REPOSITORY:TAG, or load into oci:DIR'},
  )
}
