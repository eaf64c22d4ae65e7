import type {Digest} from '../../oci/digest.js'
import {formatReference, type Reference} from '../../oci/names/reference.js'
import type {ContentStore} from '../../store/content-store.js'
import type {Ports} from '../../ports.js'
import {isSamePlace} from '../copy/places.js'
import {rebase} from '../rebase.js'
import {byDigest, type FleetImage} from './fleet-image.js'
import type {ImagePlace} from './image-place.js'
import {stagedPublish} from './slot-request.js'
import {stepTag} from './staged-store.js'

/** The image whose slots are carried, and the one that they are put on. */
export interface Carrying {
  readonly image: FleetImage
  readonly digest: Digest
  readonly onto: Reference
}

/** All slots of an image on another one, in the staged store. Throws what `rebase` throws. */
export async function carrySlots(
  {staged}: ImagePlace,
  {image: {target, source, rules}, digest, onto}: Carrying,
  ports: Ports,
): Promise<{readonly digest: Digest; readonly from: Reference; readonly kind: 'rebased'}> {
  const request = {
    ...({onto, force: false, platforms: 'intersect', look: 'none'} as const),
    image: {reference: byDigest(target, digest)},
    target: {tags: [stepTag(0)]},
    publish: {...stagedPublish, attestations: rules.attestations},
  }
  // the staged store reads the repository of the source, too
  const isStaged = isSamePlace(onto, source) || isSamePlace(onto, target)
  const openStore: Ports['openStore'] = (reference, how) =>
    !isStaged && formatReference(reference) === formatReference(onto)
      ? ports.openStore(reference, how)
      : Promise.resolve<ContentStore>(staged)
  const result = await rebase(request, {...ports, openStore})
  const next = result.digest ?? digest
  return {digest: next, from: byDigest(target, next), kind: 'rebased'}
}
