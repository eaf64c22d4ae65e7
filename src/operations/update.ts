import {newLayerType} from '../image/family.js'
import type {Layer} from '../image/image.js'
import {hasLayers} from '../image/slot.js'
import {preparePacking} from '../layer/pack/prepare-packing.js'
import type {RememberedTree} from '../layer/tree/memory.js'
import {repositoryName} from '../oci/reference.js'
import type {ContentStore} from '../store/content-store.js'
import type {IndexInjectionResult} from './image-index/describe-index.js'
import type {FoundDocument} from './find/find-document.js'
import {type ConfigUpload, createConfigUpload} from './publish/config-upload.js'
import {actionOn, describeOutcome, type InjectionResult} from './slot/result.js'
import {describePlan, injected, plannedDigest} from './slot/planned-image.js'
import {planUpdate, type UpdateOptions, type UpdatePlan} from './slot/plan.js'
import {layerEntries} from './slot/layer-entries.js'
import {directoryFor} from './slot/platform-directory.js'
import {outputsAt} from './slot/outputs.js'
import type {Ports} from '../ports.js'
import {publish} from './publish/publish.js'
import {publishUntilSettled} from './publish/until-settled.js'
import {type PushedLayer, pushLayer} from './slot/push-layer.js'
import {asContent, nothingSent, type StoredContent} from './slot/content.js'
import {refuseEmptiness, warnOfEmptiness} from './slot/notices.js'
import {noticeSharding} from './slot/sharding.js'
import {restoreShards, storeShards} from './slot/store-shards.js'
import {lookAtTags, refuseClobber, type TagLooks} from './publish/tag-moves.js'
import {createIndexUpdate, type UpdateSource} from './image-index/update-index.js'

/**
 * Makes a directory the content of a slot and moves the tags to the new image: one layer (or those
 * of several that are new), one config, one manifest; an image without the slot gets it in the same
 * step, and so do all the chosen images of an index. When the directory is what the slot holds
 * already, nothing is sent and the image stays what it is.
 */
export async function update(
  options: UpdateOptions & {readonly dryRun: boolean},
  ports: Ports,
): Promise<InjectionResult | IndexInjectionResult> {
  const directoryOf = directoryFor(options.directory, [
    ...outputsAt(options.reference),
    ...(options.outputs ?? []),
  ])
  const store = await ports.openStore(options.reference, {
    writes: !options.dryRun,
    chunkSize: options.chunkSize,
  })
  const configUpload = createConfigUpload(store, {signal: ports.signal})
  const prepared = preparePacking({...options, jobs: ports.jobs})
  try {
    const {reference, tags} = options
    const looks = lookAtTags(store, reference, tags, ports.signal)
    const source = {directoryOf, layerEntries: layerEntries(store, options, ports)}
    const work = {source, options, configUpload, ports}
    const imageUpdate = createImageUpdate(store, work)
    const indexUpdate = createIndexUpdate(store, source, options, ports)
    return await publishUntilSettled(store, options, ports, async (round) => {
      prepared.goOn()
      const current = round.number === 1 ? looks : undefined
      return round.isIndex ? indexUpdate(round, current) : imageUpdate(round, current)
    })
  } finally {
    await prepared.close()
    await configUpload.close()
    await store.close()
  }
}

interface Work {
  readonly source: UpdateSource
  readonly options: UpdateOptions & {readonly dryRun: boolean}
  readonly configUpload: ConfigUpload
  readonly ports: Ports
}

/**
 * One round of an update of a single image; what one has stored and said, the next one neither
 * stores nor says again.
 */
function createImageUpdate(
  store: ContentStore,
  {source, options, configUpload, ports}: Work,
): (found: FoundDocument, looks: TagLooks | undefined) => Promise<InjectionResult> {
  let stored: StoredContent | undefined
  let isFirst = true
  return async (found, looks) => {
    const isNew = isFirst
    isFirst = false
    const {directoryOf, layerEntries: entries} = source
    const wanted = {...options, exhaustive: options.dryRun, stored, layerEntries: entries, looks}
    const plan = await planUpdate(store, found, directoryOf, wanted, ports)
    if (isNew) noticeSharding(plan.slot, options.layers, ports)
    if (options.noClobber) refuseClobber(plan.moves, plannedDigest(options, plan), store.name)
    if (options.dryRun && plan.content)
      return describePlan(options, {...plan, content: plan.content})
    stored = await storeContent(store, options, plan, {before: stored, configUpload}, ports)
    if (plan.action === 'replaced') refuseEmptiness(stored.content.entries, options)
    if (isNew) warnOfEmptiness(stored.content.entries, options.directory, ports)
    const result = await applyUpdate(store, options, plan, {...stored, configUpload}, ports)
    // what an earlier round packed is what the directory was before that, not now
    if (isNew) await plan.look?.remember(asTree(stored))
    return result
  }
}

function asTree({layers, content}: StoredContent): RememberedTree {
  const {tarSize, entries, newestMtime} = content
  return {diffIds: layers.map(({diffId}) => diffId), tarSize, entries, newestMtime}
}

/**
 * Packs and pushes what the plan says is not there yet, and begins with the config when it is
 * known. `before`: what an earlier round sent.
 */
async function storeContent(
  store: ContentStore,
  options: UpdateOptions,
  plan: UpdatePlan,
  {
    before,
    configUpload,
  }: {readonly before: StoredContent | undefined; readonly configUpload: ConfigUpload},
  ports: Ports,
): Promise<StoredContent> {
  const {directory: on, compression, level} = options
  const {image, key, framed, shards, known, packing, layers, content} = plan
  if (layers && content) {
    const {uploaded, sent} = before ?? {uploaded: false, sent: nothingSent}
    return {key, layers, content, uploaded, sent}
  }
  const how = {mediaType: newLayerType(image, compression), compression, level, packing, on}
  if (shards) {
    // a registry says which layer it lacks when the image is put; to ask for each beforehand takes
    // as long as hashing it
    const restores = options.reference.kind === 'registry'
    const wanted = {...how, known, restores}
    return {key, ...(await storeShards(store, {...framed, plan: shards}, wanted, ports))}
  }
  const onPacked = (packed: Pick<PushedLayer, 'layer' | 'content'>): void => {
    // one thing at a time is what one job means; and whoever wants no tag overwritten may not want
    // this image at all
    if (ports.jobs === 1 || options.noClobber) return
    configUpload.begin(injected(options, plan, {layers: [packed.layer], content: packed.content}))
  }
  const pushed = await pushLayer(store, framed.entries, {...how, onPacked}, ports)
  return {key, ...asContent(pushed.layer, pushed.content, pushed.uploaded)}
}

async function applyUpdate(
  store: ContentStore,
  options: UpdateOptions,
  plan: UpdatePlan,
  {
    layers,
    content,
    uploaded,
    sent,
    configUpload,
  }: StoredContent & {readonly configUpload: ConfigUpload},
  ports: Ports,
): Promise<InjectionResult> {
  const {reference, noClobber} = options
  const {name, original, path, slot: before, moves} = plan
  const result = injected(options, plan, {layers, content})
  if (noClobber) refuseClobber(moves, result.manifest.descriptor.digest, store.name)
  ports.report({kind: 'step', step: 'publish', on: repositoryName(reference)})
  const restoreLayer = (): Promise<boolean> => isRestored(store, options, plan, layers, ports)
  const call = {signal: ports.signal, restoreLayer, configUpload}
  const tags = await publish(store, original, result, moves, call)
  // what several layers come to is known only by now
  const isSame = hasLayers(before, layers) && before?.path === path
  const planned = isSame ? 'unchanged' : before ? 'replaced' : 'added'
  const slot = {name, path, action: actionOn(original, result, planned)} as const
  return describeOutcome({
    reference,
    base: original,
    result,
    slot,
    content,
    layers,
    count: layers.length,
    uploaded,
    sent,
    tags,
    dryRun: false,
  })
}

/**
 * Packs and pushes layers again that the registry has lost meanwhile. False when it has them, or
 * the directory is another by now.
 */
async function isRestored(
  store: ContentStore,
  {directory: on, compression, level}: UpdateOptions,
  {image, framed, shards}: UpdatePlan,
  layers: readonly Layer[],
  ports: Ports,
): Promise<boolean> {
  const how = {mediaType: newLayerType(image, compression), compression, level, on}
  if (shards) {
    const sharded = {...framed, plan: shards}
    return (await restoreShards(store, sharded, layers, {...how, known: []}, ports)).length > 0
  }
  const digest = layers[0]?.descriptor.digest
  if (digest === undefined || (await store.statBlob(digest, {signal: ports.signal}))) return false
  const again = await pushLayer(store, framed.entries, how, ports)
  return again.layer.descriptor.digest === digest
}
