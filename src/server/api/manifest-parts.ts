import type {Descriptor} from '../../oci/descriptor.js'
import type {CallOptions} from '../../store/content-store.js'
import type {Repository} from '../../store/repository.js'
import {inLanes} from '../../stream/in-lanes.js'
import type {CheckedManifest} from './manifest-check.js'
import {Refusal} from '../http/refusal.js'

/** How many are looked up at the same time. */
const width = 16

/**
 * Makes sure that what a manifest names is in the repository: who pulls it must get all of it.
 * Throws `Refusal`: 400 `MANIFEST_BLOB_UNKNOWN` with the digest of one that is missing, 400
 * `SIZE_INVALID` for a descriptor of another size. With `sparse`, layers and manifests may be
 * missing.
 */
export async function refuseMissing(
  {blobs, manifests}: CheckedManifest,
  repository: Pick<Repository, 'statBlob' | 'getManifest'>,
  {sparse, signal}: {readonly sparse: boolean; readonly signal: AbortSignal},
): Promise<void> {
  // build caches are indexes whose entries are layers; a manifest is a blob of the repository, too
  const parts = new Map(
    [...blobs, ...manifests].map((part) => [`${part.digest} ${part.size}`, part]),
  )
  const look = async ({digest, size}: Descriptor, {signal}: CallOptions): Promise<void> => {
    const found =
      (await repository.statBlob(digest, {signal})) ??
      (await repository.getManifest(digest, {signal}))?.descriptor
    if (found === undefined && !sparse) {
      const message = `the repository has no ${digest}`
      throw new Refusal(400, 'MANIFEST_BLOB_UNKNOWN', message, {detail: {digest}})
    }
    if (found !== undefined && found.size !== size) {
      const message = `${digest} has another size than the manifest says`
      throw new Refusal(400, 'SIZE_INVALID', message, {detail: {digest, size, found: found.size}})
    }
  }
  await inLanes([...parts.values()], look, {width, signal})
}
