import {scratch} from '../image/create/scratch.js'
import type {Platform} from '../oci/platform.js'
import {parseReference, type Reference} from '../oci/names/reference.js'
import type {Ports} from '../ports.js'
import type {ContentStore} from '../store/content-store.js'
import {createMemoryStore} from '../store/memory-store.js'
import {streamOf} from '../stream/bytes.js'
import type {InjectionResult} from './injection/describe-image.js'
import type {IndexInjectionResult} from './injection/describe-index.js'
import type {SourceRequest} from './source/source.js'
import {update, type UpdateRequest} from './update.js'

/** The options of `create`. */
export interface CreateRequest extends Pick<UpdateRequest, 'layer' | 'publish'> {
  readonly source: SourceRequest
  /** What the image is called. */
  readonly reference: Reference
  /** Empty: the tag in the reference. */
  readonly tags: readonly string[]
  /** Of the slot. */
  readonly name: string
  /** One for each image. */
  readonly platforms: readonly Platform[]
}

/** The result of `create`, without what it was made from: nothing. */
export type CreateResult = Omit<InjectionResult, 'base'> | Omit<IndexInjectionResult, 'base'>

/** The slot of an image that nothing is below, unless another name is asked for. */
export const dataSlotName = 'data'

/** What is asked for without a platform: the same image on every machine. */
export const usualPlatform: Platform = {os: 'linux', architecture: 'amd64'}

/**
 * Makes an image that holds a slot and nothing else: `update` of an image without layers, which is
 * nowhere but in memory. Several platforms become an index, whose images share the layers. A tag
 * that is there already moves, unless it names the same image.
 */
export async function create(request: CreateRequest, ports: Ports): Promise<CreateResult> {
  const {reference, tags, name, platforms, ...rest} = request
  const nothing = await scratchStore(platforms)
  const result = await update(
    {
      ...rest,
      layer: {...rest.layer, base: 'forget'},
      image: {reference: nowhere, name, platforms: platforms.length > 1 ? 'all' : undefined},
      target: {to: reference, tags},
    },
    {
      ...ports,
      openStore: (asked, options) =>
        asked === nowhere ? Promise.resolve(nothing) : ports.openStore(asked, options),
      report(event) {
        if (event.kind !== 'step' || event.step !== 'read image') ports.report(event)
      },
    },
  )
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- left out of the rest
  const {base, ...created} = result
  return created
}

/**
 * Where an image is that is made of nothing. `.invalid` is never a registry.
 * https://www.rfc-editor.org/rfc/rfc6761#section-6.4
 */
export const nowhere = parseReference('scratch.invalid/scratch:latest')

async function scratchStore(platforms: readonly Platform[]): Promise<ContentStore> {
  const store = createMemoryStore('scratch')
  const {outermost, manifests, configs} = scratch(platforms)
  for (const {bytes} of configs) await store.putBlob({open: () => streamOf(bytes)})
  for (const {bytes, descriptor} of manifests) await store.putManifest(bytes, descriptor.mediaType)
  const moves = [{tag: 'latest', from: undefined}]
  await store.putManifest(outermost.bytes, outermost.descriptor.mediaType, {tags: moves})
  return store
}
