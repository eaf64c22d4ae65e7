import {PreconditionError} from '../../errors.js'
import {descriptorOf} from '../../image/document.js'
import type {Image} from '../../image/image.js'
import type {Sharding} from '../../image/sharding.js'
import {toOci} from '../../image/to-oci.js'
import type {Digest} from '../../oci/digest.js'
import {ociIndex} from '../../oci/media-type.js'
import type {ContentStore, TagMove} from '../../store/content-store.js'
import type {Ports} from '../../ports.js'
import type {FoundDocument} from '../find/find-document.js'
import {createReadDocuments} from '../find/read-documents.js'
import {type LoadedTargets, loadOthers, loadTargets} from '../find/load-targets.js'
import {type SuitableTarget, suitableTarget} from '../find/suitable-image.js'
import {findReplaced, type Replaced} from '../publish/run-notes.js'
import {outstanding, planTagMoves, type TagLooks} from '../publish/tag-moves.js'
import {type ContentOf, type Group, groupTargets} from '../slot/group.js'
import {nothingSent, type StoredContent} from '../slot/content.js'
import type {LayerRequest} from '../slot/layer-request.js'
import {createKnownLayers, type IsStanding} from '../slot/known-layers.js'
import {noticeOtherSlots} from '../slot/notices.js'
import {noticeSharding} from '../slot/sharding.js'
import {type PlannedGroup, planGroup} from '../slot/plan-group.js'
import type {InjectionRequest} from './request.js'

/** What an injection will do, determined without changing anything. */
export interface InjectionPlan {
  /** The digest of the document that the work starts from. */
  readonly base: Digest
  /** The result for each chosen image; a single image is an index of one. */
  readonly loaded: Omit<LoadedTargets, 'targets'> & {readonly targets: readonly SuitableTarget[]}
  readonly groups: readonly PlannedGroup[]
  /** Images that do not change. */
  readonly kept: readonly SuitableTarget[]
  /** Images that were not chosen, but are converted with the rest. */
  readonly converted: readonly {readonly before: Image; readonly after: Image}[]
  readonly moves: readonly TagMove[]
  /** What the result replaces. */
  readonly replaced: Replaced | undefined
}

export interface InjectionPlanOptions {
  readonly request: InjectionRequest
  readonly contentOf: ContentOf
  /** Content that earlier rounds stored, by the key of its group. */
  readonly stored: ReadonlyMap<string, StoredContent>
  /** Must be current; default: the tags are looked up when the images are ready. */
  readonly looks?: TagLooks | undefined
  /** That of the document that a plan makes. */
  readonly digestOf: (plan: InjectionPlan) => Digest
}

/** Reads the chosen images, and the content if that can save work. */
export async function planInjection(
  store: ContentStore,
  found: FoundDocument,
  {request, contentOf, stored, looks, digestOf}: InjectionPlanOptions,
  ports: Ports,
): Promise<InjectionPlan> {
  const {signal} = ports
  const {image, target, layer, publish} = request
  const {reference} = image
  const loaded = await loadTargets(store, found, {...image, adds: true}, ports)
  refuseIndexAnnotations(loaded, layer)
  const targets = loaded.targets.map((each) => suitableTarget(each, layer))
  if (ports.attest?.describeInIndex) await refuseDocker(loaded, targets, layer)
  const base = descriptorOf(found).digest
  const from = {digest: base, tag: found.tag}
  const moves = await planTagMoves(store, {reference, tags: target.tags, from, looks}, signal)
  // an index is converted to OCI as a whole or not at all
  const others = layer.toOci === true ? await loadOthers(store, loaded, image, signal) : []
  const {groups, kept} = await groupTargets(targets, contentOf, layer.sharding, ports)
  noticeSlots(groups, layer.sharding, ports)
  const readDocuments = createReadDocuments(store, signal)
  const findKnown = createKnownLayers(store, {loaded, moves, readDocuments}, signal)
  const {compression, level} = layer
  const facts = {
    base,
    loaded: {...loaded, targets},
    kept,
    converted: others.map((before) => ({before, after: toOci(before)})),
    moves,
    replaced: await findReplaced(moves, base, readDocuments),
  }
  const isAlone = groups.length === 1 && moves.length > 0 && !ports.attest
  const standing =
    (group: Group): IsStanding =>
    (layers, content) => {
      if (!isAlone) return false
      const kept = {layers, content, uploaded: false, sent: nothingSent}
      const plan = {...facts, groups: [asStored(group, kept)]}
      return outstanding(moves, digestOf(plan)).length === 0
    }
  const how = {findKnown, exhaustive: publish.dryRun, isDecisive: publish.noClobber}
  const planned: PlannedGroup[] = []
  for (const group of groups) {
    const known = stored.get(group.key)
    const options = {...how, isStanding: standing(group), compression, level}
    planned.push(known ? asStored(group, known) : await planGroup(store, group, options, ports))
  }
  return {...facts, groups: planned}
}

function asStored(group: Group, stored: StoredContent): PlannedGroup {
  return {...group, plan: {kind: 'stored', stored}}
}

/** Throws `PreconditionError` if there is no index to annotate. */
function refuseIndexAnnotations({tree}: LoadedTargets, {indexAnnotations, toOci}: LayerRequest) {
  if (!indexAnnotations) return
  if (!tree) {
    throw new PreconditionError(
      'ERR_INJECT_NO_ANNOTATIONS',
      'this is a single image, without an index that could be annotated',
      {hint: 'annotate the image itself: --annotation KEY=VALUE'},
    )
  }
  if (toOci === true || tree.index.descriptor.mediaType === ociIndex) return
  throw new PreconditionError(
    'ERR_INJECT_NO_ANNOTATIONS',
    "the index is in Docker's format, which has no annotations",
    {hint: 'convert it with --to-oci'},
  )
}

/** Throws what `refuseDockersFormat` throws for what would not be an index of OCI's. */
async function refuseDocker(
  {tree}: LoadedTargets,
  targets: readonly SuitableTarget[],
  {toOci = false}: LayerRequest,
): Promise<void> {
  // imported here because few runs attest, and the import would slow down all of them
  const {refuseDockersFormat} = await import('../publish/attestable.js')
  if (tree) refuseDockersFormat(toOci ? ociIndex : tree.index.descriptor.mediaType)
  else for (const {suitable} of targets) refuseDockersFormat(suitable.manifest.descriptor.mediaType)
}

/** Reports what the user might not expect: that a slot is new, or stays divided. */
function noticeSlots(groups: readonly Group[], sharding: Sharding | undefined, ports: Ports): void {
  for (const {suitable, name, slot} of groups.flatMap((group) => group.targets)) {
    if (slot) noticeSharding(slot, sharding, ports)
    else noticeOtherSlots(suitable, name, ports)
  }
}
