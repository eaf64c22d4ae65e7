import type {Digest} from '../../oci/digest.js'
import {planCopy} from '../../store/copy/plan.js'
import type {CallOptions} from '../../store/content-store.js'
import type {BundleLink, HeldBlob} from './bundle-document.js'
import type {HaveList} from './have-list.js'
import type {Bundle} from './open-bundle.js'

/** What the other side has, and where from. */
export interface Holdings {
  readonly links: readonly BundleLink[]
  /** By digest, the position of the link. */
  readonly blobs: ReadonlyMap<Digest, number>
}

/**
 * What the other side has once it has loaded `since`, and what `have` lists. The bundle has said
 * the same of the ones before it, so its chain is known from it alone. Throws what `planCopy`
 * throws.
 */
export async function holdingsOf(
  {since, have}: {readonly since?: Bundle | undefined; readonly have?: HaveList | undefined},
  call: CallOptions,
): Promise<Holdings> {
  const links: BundleLink[] = []
  const blobs = new Map<Digest, number>()
  if (have) {
    const {id, place: name} = have
    links.push({kind: 'have', id, name})
    for (const digest of have.digests) blobs.set(digest, 0)
  }
  if (since) {
    const first = links.length
    const {id, name} = since
    links.push(...since.links, {kind: 'bundle', id, name})
    const own = links.length - 1
    const stored = since.images.map((image) => image.stored)
    const plan = await planCopy(since.store, stored, call)
    for (const {digest} of plan.blobs) blobs.set(digest, own)
    for (const {digest, link} of [...since.needs, ...since.earlier]) blobs.set(digest, first + link)
  }
  return {links, blobs}
}

/** Everything held that is not among `named`, as a bundle's document lists it. */
export function earlierThan(
  {blobs}: Holdings,
  named: {has(digest: Digest): boolean},
): readonly HeldBlob[] {
  return [...blobs]
    .filter(([digest]) => !named.has(digest))
    .map(([digest, link]) => ({digest, link}))
}
