import {preparePacking} from '../layer/pack/prepare-packing.js'
import type {Ports} from '../ports.js'
import type {ContentStore} from '../store/content-store.js'
import {createTargetStore} from '../store/copy/target-store.js'
import {isSamePlace, mountableFrom} from './copy/places.js'
import {withTarget} from './copy/with-target.js'
import type {InjectionResult} from './injection/describe-image.js'
import type {IndexInjectionResult} from './injection/describe-index.js'
import type {GraftRequest} from './graft/graft-request.js'
import {createInjectionRounds} from './injection/inject-rounds.js'
import {warnOfReferrers} from './injection/left-behind.js'
import {type InjectionRequest, withOrigin} from './injection/request.js'
import {mergedContent} from './merge/merged-content.js'
import {lookAtTags} from './publish/tag-moves.js'
import {publishUntilSettled} from './publish/until-settled.js'
import {createOwnerIn} from './slot/entries/image-owner.js'
import {layerEntries} from './slot/entries/layer-entries.js'
import type {ContentOf} from './slot/group.js'
import {saidOnce} from './slot/notices.js'
import {sourceContent, type SourceContentOptions} from './slot/source-content.js'
import {outputsAt} from './source/outputs.js'
import type {PackRules} from './source/source-tree.js'
import {openSource, type SourceRequest} from './source/source.js'

/** The options of `update`. */
export interface UpdateRequest extends InjectionRequest {
  readonly source: SourceRequest | GraftSource
}

/** The same for content that is open already. */
export interface OpenUpdateRequest extends InjectionRequest {
  readonly source: OpenContent
}

/** Content that is open for several updates; closing it is up to who opened it. */
export interface OpenContent {
  readonly contentOf: (
    store: ContentStore,
    options: SourceContentOptions,
    ports: Ports,
  ) => ContentOf
}

/** Content that is taken from another image. */
export interface GraftSource extends PackRules {
  readonly graft: GraftRequest
  /** The folder for temporary files. */
  readonly temporary: string
}

/**
 * Makes a directory the content of a slot and moves the tags to the new image: one layer (or the
 * new ones of several), one config, one manifest. An image without the slot gets it in the same
 * step, and so do all the chosen images of an index. When the slot already holds the directory,
 * nothing is sent and the image does not change.
 */
export async function update(
  request: UpdateRequest | OpenUpdateRequest,
  ports: Ports,
): Promise<InjectionResult | IndexInjectionResult> {
  const {image, target} = request
  const places = target.to ? [image.reference, target.to] : [image.reference]
  const {source: asked} = request
  if ('contentOf' in asked) return updateWith(asked.contentOf, request, ports)
  if ('graft' in asked) return updateByGraft(asked, request, ports)
  // before a layout is created inside it
  const source = await openSource(asked, outputsAt(...places), ports)
  try {
    return await updateWith((_, options) => sourceContent(source, options), request, ports)
  } finally {
    source.close()
  }
}

async function updateByGraft(
  {graft: asked, temporary, ...rules}: GraftSource,
  request: InjectionRequest,
  ports: Ports,
): Promise<InjectionResult | IndexInjectionResult> {
  const {openGraft} = await import('./graft/graft-content.js')
  const graft = await openGraft(asked, ports)
  const {reference} = asked
  const result = request.target.to ?? request.image.reference
  const mountFrom = mountableFrom(reference, result)
  const join = (store: ContentStore): ContentStore =>
    isSamePlace(reference, result) ? store : withLayersOf(graft.store, store, mountFrom)
  try {
    const contentOf: OpenContent['contentOf'] = (_, options) =>
      graft.contentOf({...options, temporary, rules})
    return await updateWith(contentOf, request, ports, join)
  } finally {
    await graft.close()
  }
}

/** The store, which takes layers that it lacks from another one when a manifest needs them. */
function withLayersOf(
  other: ContentStore,
  store: ContentStore,
  mountFrom: readonly string[],
): ContentStore {
  return {
    ...createTargetStore(other, store, {mountFrom}),
    statBlob: (digest, call) => store.statBlob(digest, call),
    openBlob: (blob, call) => store.openBlob(blob, call),
    getManifest: (name, call) => store.getManifest(name, call),
    statManifest: (name, call) => store.statManifest(name, call),
  }
}

function updateWith(
  content: OpenContent['contentOf'],
  request: InjectionRequest,
  ports: Ports,
  join: (store: ContentStore) => ContentStore = (store) => store,
): Promise<InjectionResult | IndexInjectionResult> {
  const {layer} = request
  return withTarget(withOrigin(request), ports, async (inPlace) => {
    const store = join(inPlace.store)
    const place = {...inPlace, store}
    const {compression, level} = layer
    const prepared = preparePacking({compression, level})
    const looks = lookAtTags(store, place.request, ports)
    const told = saidOnce(place.ports)
    const options = {
      layer,
      layerEntries: layerEntries(store, layer, told),
      openMemory: ports.openMemory,
      jobs: ports.jobs,
      ownerIn: createOwnerIn(store, told),
      onWarning: (message: string) => told.report({kind: 'warning', message}),
    }
    const contentOf = mergedContent(content(store, options, told), store, layer, told)
    const rounds = createInjectionRounds(store, place.request, contentOf, told)
    try {
      const result = await publishUntilSettled(place, ({found, number}) => {
        prepared.goOn()
        return rounds.inject(found, number === 1 ? looks : undefined)
      })
      // an update of a single image sends its registry no request that it does not need
      const isAsking = 'images' in result || ports.attest !== undefined
      const warns = isAsking && request.publish.ignoresReferrers !== true
      if (warns) await warnOfReferrers(store, result, place.ports)
      return result
    } finally {
      prepared.goOn()
      await rounds.close()
    }
  })
}
