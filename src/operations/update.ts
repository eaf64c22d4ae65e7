import {newLayerType} from '../image/family.js'
import type {Image, Layer} from '../image/image.js'
import {inject} from '../image/inject.js'
import type {Slot} from '../image/slot.js'
import type {Digest} from '../oci/digest.js'
import {repositoryName} from '../oci/reference.js'
import type {ContentStore} from '../store/content-store.js'
import {formatTime} from './created.js'
import type {IndexInjectionResult} from './describe-index.js'
import {findDocument} from './find-document.js'
import {actionOn, describeOutcome, type InjectionResult} from './injection-result.js'
import {beginAgain} from './on-conflict.js'
import {planUpdate, type StoredContent, type UpdateOptions, type UpdatePlan} from './plan-update.js'
import {layerEntries} from './layer-entries.js'
import {warnOfReferrers} from './left-behind.js'
import {isIndex} from './load-index.js'
import {directoryFor} from './platform-directory.js'
import type {Ports} from './ports.js'
import {publish} from './publish.js'
import {pushLayer, type PushedLayer} from './push-layer.js'
import {warnOfEmptiness} from './slot-notices.js'
import {outstanding, refuseClobber} from './tag-moves.js'
import {updateIndex} from './update-index.js'

/**
 * Makes a directory the content of a slot and moves the tags to the new image: one layer, one config, one manifest; an image without the
 * slot gets it in the same step, and so do all the chosen images of an index. When the directory is what the slot holds already, nothing is sent and the image stays what it is.
 */
export async function update(
  options: UpdateOptions & {readonly dryRun: boolean},
  ports: Ports,
): Promise<InjectionResult | IndexInjectionResult> {
  const directoryOf = directoryFor(options.directory)
  const store = await ports.openStore(options.reference, {
    writes: !options.dryRun,
    chunkSize: options.chunkSize,
  })
  try {
    let found = await findDocument(store, options.reference, ports)
    if (isIndex(found.stored)) return await updateIndex(store, found, directoryOf, options, ports)
    const entries = layerEntries(store, options, ports)
    let stored: Stored | undefined
    for (let number = 1; ; number++) {
      const wanted = {...options, exhaustive: options.dryRun, stored, layerEntries: entries}
      const plan = await planUpdate(store, found, directoryOf, wanted, ports)
      if (options.noClobber) refuseClobber(plan.moves, plannedDigest(options, plan), store.name)
      if (options.dryRun && plan.content)
        return describePlan(options, {...plan, content: plan.content})
      stored = await storeContent(store, options, plan, stored?.uploaded ?? false, ports)
      if (number === 1) warnOfEmptiness(stored.content.entries, options.directory, ports)
      try {
        const result = await applyUpdate(store, options, plan, stored, ports)
        await warnOfReferrers(store, result, ports)
        return result
      } catch (error) {
        await beginAgain(error, options.onConflict, {number, ...plan}, ports)
        found = await findDocument(store, options.reference, ports)
      }
    }
  } finally {
    await store.close()
  }
}

type Stored = StoredContent & Pick<PushedLayer, 'uploaded'>

function describePlan(
  options: UpdateOptions,
  plan: UpdatePlan & Required<Pick<PushedLayer, 'content'>>,
): InjectionResult {
  const {reference, name} = options
  const {image, original, path, moves, content, layer} = plan
  const result = layer ? injected(options, plan, {layer, content}) : undefined
  const action = result ? actionOn(original, result, plan.action) : plan.action
  const tags = action === 'unchanged' ? outstanding(moves, image.manifest.descriptor.digest) : moves
  const slot = {name, path, action}
  return describeOutcome({
    reference,
    base: original,
    result: image,
    slot,
    content,
    layer,
    uploaded: false,
    tags: tags.map(({tag}) => tag),
    dryRun: true,
  })
}

/** Packs and pushes what the plan says is not there yet. `uploaded`: an earlier round sent it. */
async function storeContent(
  store: ContentStore,
  {directory, compression}: UpdateOptions,
  {image, key, entries, packing, layer, content}: UpdatePlan,
  uploaded: boolean,
  ports: Ports,
): Promise<Stored> {
  if (layer && content) return {key, layer, content, uploaded}
  const how = {mediaType: newLayerType(image, compression), compression, packing}
  const pushed = await pushLayer(store, entries, {...how, on: directory}, ports)
  return {...pushed, key}
}

async function applyUpdate(
  store: ContentStore,
  options: UpdateOptions,
  plan: UpdatePlan,
  {layer, content, uploaded}: Stored,
  ports: Ports,
): Promise<InjectionResult> {
  const {reference, name, noClobber} = options
  const {original, path, action, moves} = plan
  const result = injected(options, plan, {layer, content})
  if (noClobber) refuseClobber(moves, result.manifest.descriptor.digest, store.name)
  ports.report({kind: 'step', step: 'publish', on: repositoryName(reference)})
  const restoreLayer = (): Promise<boolean> => isRestored(store, options, plan, layer, ports)
  const call = {signal: ports.signal, restoreLayer}
  const tags = await publish(store, original, result, moves, call)
  const slot = {name, path, action: actionOn(original, result, action)} as const
  return describeOutcome({
    reference,
    base: original,
    result,
    slot,
    content,
    layer,
    uploaded,
    tags,
    dryRun: false,
  })
}

/** Packs and pushes a layer again that the registry has lost meanwhile. False when it has it, or the directory is another by now. */
async function isRestored(
  store: ContentStore,
  {directory: on, compression}: UpdateOptions,
  {image, entries}: UpdatePlan,
  {descriptor: {digest}}: Layer,
  ports: Ports,
): Promise<boolean> {
  if (await store.statBlob(digest, {signal: ports.signal})) return false
  const how = {mediaType: newLayerType(image, compression), compression, on}
  const again = await pushLayer(store, entries, how, ports)
  return again.layer.descriptor.digest === digest
}

/** What the tags are to name, when that is certain without packing anything. */
function plannedDigest(options: UpdateOptions, plan: UpdatePlan): Digest | undefined {
  const {layer, content} = plan
  return layer && content && injected(options, plan, {layer, content}).manifest.descriptor.digest
}

function injected(
  {name, created: asked, edits, compression}: UpdateOptions,
  {image, original, slot, path}: UpdatePlan,
  {layer, content}: Pick<PushedLayer, 'layer' | 'content'>,
): Image {
  const created = formatTime(asked ?? content.newestMtime)
  const imageCreated = asked === undefined ? {} : {imageCreated: created}
  return inject(image, {
    name,
    path,
    layer: named(layer, layerTypeOf(layer, slot) ?? newLayerType(image, compression)),
    base: original.manifest.descriptor.digest,
    created,
    ...imageCreated,
    ...(edits && {edits}),
  })
}

/** A blob that the slot holds already is what the image says it is, however it was compressed. */
function layerTypeOf({descriptor}: Layer, slot: Slot | undefined): string | undefined {
  return slot?.descriptor.digest === descriptor.digest ? slot.descriptor.mediaType : undefined
}

/** The layer as this image names it: nothing of what another manifest said about the same blob. */
function named({descriptor: {digest, size}, diffId}: Layer, mediaType: string): Layer {
  return {descriptor: {mediaType, digest, size}, diffId}
}
