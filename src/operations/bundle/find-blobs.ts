import type {Bundle} from '../../archive/bundle/open-bundle.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import type {Digest} from '../../oci/digest.js'
import {blobOfTwoSizes} from '../../store/store-errors.js'
import {inLanes} from '../../stream/in-lanes.js'
import type {BundleTarget} from './bundle-target.js'

/** Blobs that are looked for at once. */
const atOnce = 6

/** Where the blobs of one repository's images are. */
export interface FoundBlobs {
  /** In another repository of the place, by digest. */
  readonly elsewhere: ReadonlyMap<Digest, string>
  readonly missing: readonly BlobInfo[]
}

/** Blobs of images of one repository. */
export interface NeededBlobs {
  readonly blobs: readonly BlobInfo[]
  readonly repository: string
  /** Whether they can come from other repositories of the place. */
  readonly mounts: boolean
}

/**
 * Looks for the blobs that a bundle needs: in the repository they belong to, and then, with
 * `mounts`, in all others. Throws `IntegrityError` for one of another size.
 */
export async function findNeeded(
  {needs}: Pick<Bundle, 'needs'>,
  {blobs, repository, mounts}: NeededBlobs,
  target: BundleTarget,
  signal: AbortSignal,
): Promise<FoundBlobs> {
  const needed = new Set(needs.map(({digest}) => digest))
  const store = await target.open(repository)
  const isIn = async (reader: typeof store, {digest, size}: BlobInfo): Promise<boolean> => {
    const found = await reader.statBlob(digest, {signal})
    if (found && found.size !== size) throw blobOfTwoSizes(digest, size, found.size)
    return found !== undefined
  }
  let missing: BlobInfo[] = []
  const look = async (blob: BlobInfo): Promise<void> => {
    if (!(await isIn(store, blob))) missing.push(blob)
  }
  const own = blobs.filter(({digest}) => needed.has(digest))
  await inLanes(own, look, {width: atOnce, signal})

  const elsewhere = new Map<Digest, string>()
  if (missing.length === 0 || !mounts) return {elsewhere, missing}
  for await (const other of target.repositories()) {
    if (other === repository) continue
    const lookIn = await target.open(other)
    for (const blob of missing) if (await isIn(lookIn, blob)) elsewhere.set(blob.digest, other)
    missing = missing.filter(({digest}) => !elsewhere.has(digest))
    if (missing.length === 0) break
  }
  return {elsewhere, missing}
}
