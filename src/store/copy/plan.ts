import {IntegrityError, LimitError, NotFoundError} from '../../errors.js'
import type {Descriptor} from '../../oci/descriptor.js'
import type {Digest} from '../../oci/digest.js'
import {blobOfTwoSizes} from '../store-errors.js'
import type {BlobReader, CallOptions, ManifestStore, StoredManifest} from '../content-store.js'
import {isForeign, manifestParts, namesManifest} from '../manifest-parts.js'

/** Manifests that are held in memory while one thing is copied; real ones are a few kB each. */
const mostManifestBytes = 32 * 1024 * 1024
const mostManifests = 10_000

/** All that has to be in a place before one manifest can be there. */
export interface CopyPlan {
  /** Without the roots; every one after what it lists. */
  readonly manifests: readonly StoredManifest[]
  /** Each digest once. */
  readonly blobs: readonly Descriptor[]
  /** How many layers stay where their `urls` say. */
  readonly foreign: number
}

export interface CopyPlanOptions extends CallOptions {
  /** What is in the target already, with all that it needs. */
  readonly done?: ReadonlySet<Digest> | undefined
  /** Manifests that the source lacks because they are new. */
  readonly own?: ReadonlyMap<Digest, StoredManifest> | undefined
}

type Source = Pick<ManifestStore, 'getManifest'> & Pick<BlobReader, 'statBlob'>

/**
 * Finds out what `roots` need, reading manifests only. Throws `NotFoundError`
 * (`ERR_INJECT_IMAGE_NOT_FOUND`) for a manifest that the source lacks, `LimitError`
 * (`ERR_INJECT_COPY_TOO_LARGE`), and what `manifestParts` throws.
 */
export async function planCopy(
  source: Source & {readonly name: string},
  roots: readonly StoredManifest[],
  {signal, done = new Set(), own = new Map()}: CopyPlanOptions = {},
): Promise<CopyPlan> {
  const seen = new Set<Digest>()
  const manifests: StoredManifest[] = []
  const blobs = new Map<Digest, Descriptor>()
  let bytes = 0
  let foreign = 0

  const take = (blob: Descriptor): void => {
    const {digest, size} = blob
    const other = blobs.get(digest)
    if (other && other.size !== size) throw blobOfTwoSizes(digest, other.size, size)
    if (!done.has(digest)) blobs.set(digest, blob)
  }
  const takeLayer = async (blob: Descriptor): Promise<void> => {
    // other places may be named for a layer that is here, too
    const isElsewhere =
      isForeign(blob) ||
      ((blob.urls?.length ?? 0) > 0 && !(await source.statBlob(blob.digest, {signal})))
    if (isElsewhere) foreign++
    else take(blob)
  }
  const visit = async (stored: StoredManifest, isRoot: boolean): Promise<void> => {
    const {digest} = stored.descriptor
    if (seen.has(digest)) return
    seen.add(digest)
    bytes += stored.bytes.length
    if (bytes > mostManifestBytes || seen.size > mostManifests) throw tooLarge(source.name)
    const parts = manifestParts(stored)
    for (const blob of parts.blobs) await takeLayer(blob)
    for (const child of parts.children) {
      if (seen.has(child.digest) || done.has(child.digest)) continue
      const found = own.get(child.digest) ?? (await source.getManifest(child.digest, {signal}))
      if (found) await visit(checked(found, child), false)
      // an index may list anything; what claims to be a manifest must be one
      else if (namesManifest(child)) throw missing(child, source.name)
      else take(child)
    }
    if (!isRoot) manifests.push(stored)
  }
  for (const root of roots) await visit(root, true)
  return {manifests, blobs: [...blobs.values()], foreign}
}

function checked(found: StoredManifest, {digest, size}: Descriptor): StoredManifest {
  if (found.bytes.length === size) return found
  throw new IntegrityError(
    'ERR_INJECT_SIZE_MISMATCH',
    `manifest ${digest} does not have the size that its descriptor gives`,
    {expected: size, found: found.bytes.length},
  )
}

function missing({digest}: Descriptor, name: string): NotFoundError {
  return new NotFoundError(
    'ERR_INJECT_IMAGE_NOT_FOUND',
    `${name} lacks manifest ${digest}, which an index there lists`,
    {hint: 'use --platform to choose the images that exist'},
  )
}

function tooLarge(name: string): LimitError {
  return new LimitError(
    'ERR_INJECT_COPY_TOO_LARGE',
    `an index in ${name} lists more than ${mostManifests} manifests, or more than 32 MiB of them`,
    {expected: mostManifests},
  )
}
