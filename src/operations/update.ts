import type {Image, Layer} from '../image/image.js'
import {inject} from '../image/inject.js'
import {familyOf} from '../oci/manifest.js'
import {layerMediaType} from '../oci/media-type.js'
import {repositoryName} from '../oci/reference.js'
import type {ContentStore} from '../store/content-store.js'
import {formatTime} from './created.js'
import {openDirectory, refuseOwnLayout} from './directory.js'
import {describeOutcome, type InjectionResult} from './injection-result.js'
import {planUpdate, type UpdateOptions, type UpdatePlan} from './plan-update.js'
import type {Ports} from './ports.js'
import {publish} from './publish.js'
import {pushLayer, type PushedLayer} from './push-layer.js'
import {warnOfEmptiness} from './slot-notices.js'
import {outstanding} from './tag-moves.js'

/**
 * Makes a directory the content of a slot and moves the tags to the new image: one layer, one config, one manifest; an image without the
 * slot gets it in the same step. When the directory is what the slot holds already, nothing is sent and the image stays what it is.
 */
export async function update(
  options: UpdateOptions & {readonly dryRun: boolean},
  ports: Ports,
): Promise<InjectionResult> {
  const directory = openDirectory(options.directory)
  refuseOwnLayout(options.reference, directory)
  const store = await ports.openStore(options.reference, {writes: !options.dryRun})
  try {
    const plan = await planUpdate(store, directory, {...options, exhaustive: options.dryRun}, ports)
    if (options.dryRun && plan.content)
      return describePlan(options, {...plan, content: plan.content})
    return await applyUpdate(store, options, plan, ports)
  } finally {
    await store.close()
  }
}

function describePlan(
  {reference, name}: UpdateOptions,
  plan: UpdatePlan & Required<Pick<PushedLayer, 'content'>>,
): InjectionResult {
  const {image, action, path, moves, content, layer} = plan
  const tags = action === 'unchanged' ? outstanding(moves, image.manifest.descriptor.digest) : moves
  const slot = {name, path, action}
  return describeOutcome({
    reference,
    base: image,
    result: image,
    slot,
    content,
    layer,
    uploaded: false,
    tags: tags.map(({tag}) => tag),
    dryRun: true,
  })
}

async function applyUpdate(
  store: ContentStore,
  options: UpdateOptions,
  plan: UpdatePlan,
  ports: Ports,
): Promise<InjectionResult> {
  const {reference, name, directory} = options
  const {image, path, action} = plan
  const mediaType = gzipLayerType(image)
  const {layer, content, uploaded} =
    plan.layer && plan.content
      ? {layer: plan.layer, content: plan.content, uploaded: false}
      : await pushLayer(store, plan.entries, {mediaType, on: directory}, ports)
  warnOfEmptiness(content.entries, directory, ports)
  const created = formatTime(options.created ?? content.newestMtime)
  const imageCreated = options.created === undefined ? {} : {imageCreated: created}
  const next = {name, path, layer: named(layer, mediaType), created, ...imageCreated}
  const result = action === 'unchanged' ? image : inject(image, next)
  ports.report({kind: 'step', step: 'publish', on: repositoryName(reference)})
  const tags = await publish(store, image, result, plan.moves, {signal: ports.signal})
  const slot = {name, path, action: result === image ? 'unchanged' : action} as const
  return describeOutcome({
    reference,
    base: image,
    result,
    slot,
    content,
    layer,
    uploaded,
    tags,
    dryRun: false,
  })
}

function gzipLayerType(image: Image): string {
  const {value, descriptor} = image.manifest
  return layerMediaType(familyOf(value, descriptor.mediaType), 'gzip')
}

/** The layer as this image names it: nothing of what another manifest said about the same blob. */
function named({descriptor: {digest, size}, diffId}: Layer, mediaType: string): Layer {
  return {descriptor: {mediaType, digest, size}, diffId}
}
