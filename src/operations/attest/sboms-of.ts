import {originOf} from '../../image/follow/origin.js'
import type {Image} from '../../image/image.js'
import {findSlots} from '../../image/slot.js'
import type {MadeImage} from '../../attest/provenance.js'
import type {SbomFormat} from '../../attest/sbom/facts.js'
import {sbomFormatOf, sbomOf} from '../../attest/sbom/sbom.js'
import {type Statement, statementAbout} from '../../attest/statement.js'
import {unlessFailed} from '../../errors.js'
import type {Descriptor} from '../../oci/descriptor.js'
import type {Ports} from '../../ports.js'
import type {ContentStore} from '../../store/content-store.js'
import {listSlotFiles, type SlotFiles} from './list-files.js'
import {readReferrers} from './read-referrers.js'

/** The list of one image's slots. */
export interface ImageSbom {
  readonly subject: Descriptor
  readonly list: Statement
}

/**
 * Lists of the files in the slots of images. Slots that images share are read once. Throws what
 * `listSlotFiles` throws.
 */
export async function sbomsOf(
  store: ContentStore,
  images: readonly MadeImage[],
  format: SbomFormat,
  {attest, version = 'unknown', signal}: Pick<Ports, 'attest' | 'version' | 'signal'>,
): Promise<readonly ImageSbom[]> {
  const known = new Map<string, Promise<SlotFiles>>()
  const lists: ImageSbom[] = []
  for (const {image} of images) {
    const slots = findSlots(image)
    const described = slots.map(({name, layers}) => {
      return {name, diffIds: layers.map(({diffId}) => diffId)}
    })
    const key = JSON.stringify(slots.map(({path}, at) => [path, described[at]]))
    const reading = known.get(key) ?? listSlotFiles(store, image, slots, signal)
    known.set(key, reading)
    const {descriptor} = image.manifest
    const document = sbomOf(format, {
      image: `${store.name}@${descriptor.digest}`,
      slots: described,
      ...(await reading),
      vendorLists: await vendorListsOf(store, image, signal),
      version,
      created: attest?.now() ?? new Date(0),
    })
    const named = [{name: store.name, digest: descriptor.digest}]
    const list = statementAbout(named, document.predicateType, document.predicate)
    lists.push({subject: descriptor, list})
  }
  return lists
}

/** The lists that refer to the vendor's image in the same repository. */
async function vendorListsOf(
  store: ContentStore,
  image: Image,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const {digest} = originOf(image)
  if (digest === undefined) return []
  const found = await unlessFailed(() => readReferrers(store, digest, {signal}))
  const isList = (artifactType: string, predicateType: string | undefined) =>
    sbomFormatOf(predicateType) !== undefined || /spdx|cyclonedx/i.test(artifactType)
  return (found ?? [])
    .filter(({artifactType, predicateType}) => isList(artifactType, predicateType))
    .map(({descriptor}) => `oci://${store.name}@${descriptor.digest}`)
}
