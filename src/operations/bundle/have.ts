import {encodeHave} from '../../archive/bundle/have-list.js'
import {type InjectError, IntegrityError, NotFoundError, PreconditionError} from '../../errors.js'
import type {Digest} from '../../oci/digest.js'
import type {Ports} from '../../ports.js'
import {planCopy} from '../../store/copy/plan.js'
import {listBlobs} from '../../store/garbage/list-blobs.js'
import {openLayoutStore} from '../../store/layout/layout-store.js'
import {rootPaths} from '../../store/layout/root-paths.js'
import {openRepositoryRoot} from '../../store/served/open-root.js'
import {inLanes} from '../../stream/in-lanes.js'
import {type BundlePlace, formatBundlePlace} from './bundle-place.js'
import {listPlaceRepositories} from './list-repositories.js'

/** Repositories and tags that are looked into at once; a registry is asked as much at once. */
const atOnce = 6

export interface HaveResult {
  readonly place: string
  /** Sorted. */
  readonly digests: readonly Digest[]
}

/** The file of a list, without the end of its last line. */
export function haveText({place, digests}: HaveResult): string {
  return encodeHave(place, digests).trimEnd()
}

/**
 * Lists the blobs that a place has: of a layout and a served root, all that are there; of a
 * registry, those of its tagged images. Content is not read. Throws what opening the place throws.
 */
export async function have(place: BundlePlace, ports: Ports): Promise<HaveResult> {
  const name = formatBundlePlace(place)
  ports.report({kind: 'step', step: 'read image', on: name})
  const digests = new Set<Digest>()
  const addFolder = async (directory: string): Promise<void> => {
    for await (const digest of listBlobs(directory)) digests.add(digest)
  }
  if (place.kind === 'layout') {
    await (await openLayoutStore(place.directory)).close()
    await addFolder(place.directory)
  } else if (place.kind === 'root') await eachFolder(place.directory, addFolder, ports.signal)
  else
    for await (const repository of listPlaceRepositories(place, ports))
      await addTagged({registry: place.prefix.registry, repository}, digests, ports)
  return {place: name, digests: [...digests].sort()}
}

async function eachFolder(
  directory: string,
  work: (folder: string) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const root = await openRepositoryRoot(directory, {
    ...{shared: true, readOnly: true, refuseForeign: true},
  })
  try {
    for await (const name of root.listRepositories({signal}))
      await work(rootPaths.repository(directory, name))
  } finally {
    await root.close()
  }
}

/** Tags of what cannot be copied, and so never came in a bundle, are passed over with a warning. */
async function addTagged(
  {registry, repository}: {readonly registry: string; readonly repository: string},
  digests: Set<Digest>,
  {openStore, report, signal}: Ports,
): Promise<void> {
  const store = await openStore({kind: 'registry', registry, repository}, {writes: false})
  const passOver = (tag: string) => (error: unknown) => {
    if (!isUncopyable(error)) throw error
    const message = `${store.name}:${tag} is left out of the list: ${error.message}`
    report({kind: 'warning', message})
  }
  try {
    const tags: string[] = []
    for await (const tag of store.listTags({signal})) tags.push(tag)
    const addTag = async (tag: string): Promise<void> => {
      const stored = await store.getManifest(tag, {signal})
      if (!stored) return
      const plan = await planCopy(store, [stored], {signal, done: digests}).catch(passOver(tag))
      if (!plan) return
      for (const {descriptor} of [...plan.manifests, stored]) digests.add(descriptor.digest)
      for (const {digest} of plan.blobs) digests.add(digest)
    }
    await inLanes(tags, addTag, {width: atOnce, signal})
  } finally {
    await store.close()
  }
}

function isUncopyable(error: unknown): error is InjectError {
  return (
    error instanceof IntegrityError ||
    error instanceof NotFoundError ||
    error instanceof PreconditionError
  )
}
