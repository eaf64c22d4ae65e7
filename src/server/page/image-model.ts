import {InjectError, IntegrityError, LimitError} from '../../errors.js'
import {layerSteps} from '../../image/history.js'
import {decodeImage, encodedManifest, type Image} from '../../image/image.js'
import {findSlots} from '../../image/slot.js'
import type {Descriptor} from '../../oci/descriptor.js'
import {documentLimit} from '../../oci/json.js'
import {formatPlatform, platformOf} from '../../oci/platform.js'
import {descriptorShape, faultIn, listShape, looseShape} from '../../oci/shape.js'
import type {StoredManifest} from '../../store/content-store.js'
import {readAll} from '../../stream/limit.js'
import {fromStore, type Reading} from './reading.js'
import type {ImageSubject} from './subject.js'

/**
 * With what its config says, when there is one that fits; layers only for an artifact. Throws
 * `IntegrityError` (`ERR_INJECT_MANIFEST_INVALID`).
 */
export async function describeImage(
  stored: StoredManifest,
  value: Readonly<Record<string, unknown>>,
  reading: Reading,
): Promise<ImageSubject> {
  const {digest, mediaType} = stored.descriptor
  const wrong = faultIn(manifestShape, value)
  if (wrong !== undefined)
    throw new IntegrityError('ERR_INJECT_MANIFEST_INVALID', `the manifest is not valid: ${wrong}`)
  const {layers, config, artifactType} = value as unknown as AnyManifest
  const plain: ImageSubject = {
    kind: 'image',
    digest,
    mediaType,
    artifactType: undefined,
    platform: undefined,
    created: undefined,
    author: undefined,
    size: layers.reduce((sum, layer) => sum + layer.size, 0),
    layers: layers.map((layer) => ({...layer, createdBy: undefined, slots: []})),
    slots: [],
    labels: [],
    fault: undefined,
  }
  try {
    const image = await readImage(stored, reading)
    return {...plain, ...factsOf(image)}
  } catch (error) {
    if (!(error instanceof InjectError)) throw error
    if (error.code === 'ERR_INJECT_NOT_AN_IMAGE')
      return {...plain, artifactType: artifactType || config.mediaType}
    return {...plain, fault: error.message}
  }
}

interface AnyManifest {
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
  readonly artifactType?: string
}

const manifestShape = looseShape({config: descriptorShape, layers: listShape(descriptorShape)})

async function readImage(stored: StoredManifest, reading: Reading): Promise<Image> {
  const {repository, signal} = reading
  const manifest = encodedManifest(stored)
  const {config} = manifest.value
  if (config.size > Math.min(documentLimit, reading.left))
    throw new LimitError(
      'ERR_INJECT_DOCUMENT_TOO_LARGE',
      'its config is more than this page may still read',
    )
  reading.left -= config.size
  const read = async (): Promise<Uint8Array> =>
    readAll(await repository.openBlob(config, {signal}), config.size, 'the image config')
  const bytes = await fromStore(reading, read(), 'its config cannot be read: ')
  return decodeImage(manifest, bytes)
}

function factsOf(image: Image): Partial<ImageSubject> {
  const {value: config} = image.config
  const {created, history = []} = config
  const steps = layerSteps(history, image.manifest.value.layers.length)
  const labels = Object.entries(config.config?.Labels ?? {})
  const {slots, fault} = slotsOf(image)
  const author = config['author']
  const namesAt = new Map<number, string[]>()
  for (const {name, layers} of slots)
    for (const {layer} of layers) namesAt.set(layer, [...(namesAt.get(layer) ?? []), name])
  return {
    platform: formatPlatform(platformOf(config)),
    created,
    author: typeof author === 'string' ? author : undefined,
    labels,
    slots,
    fault,
    layers: image.manifest.value.layers.map((layer, at) => ({
      ...layer,
      createdBy: history[steps[at] ?? -1]?.created_by,
      slots: namesAt.get(at) ?? [],
    })),
  }
}

function slotsOf(image: Image): Pick<ImageSubject, 'slots' | 'fault'> {
  try {
    return {slots: findSlots(image), fault: undefined}
  } catch (error) {
    if (error instanceof InjectError) return {slots: [], fault: error.message}
    throw error
  }
}
