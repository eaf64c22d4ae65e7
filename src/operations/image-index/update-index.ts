import type {ContentStore} from '../../store/content-store.js'
import {applyToIndex} from './apply-index.js'
import type {IndexInjectionResult} from './describe-index.js'
import type {FoundDocument} from '../find/find-document.js'
import type {IndexContent, StoredLayers, SuitableTarget} from './inject-index.js'
import type {LayerEntries} from '../slot/layer-entries.js'
import {packingOf, type UpdateOptions, warnOnce} from '../slot/plan.js'
import type {DirectoryFor} from '../slot/platform-directory.js'
import type {Ports} from '../../ports.js'
import {noticeSharding} from '../slot/sharding.js'
import type {TagLooks} from '../publish/tag-moves.js'

/** What is packed, and into what entries. */
export interface UpdateSource {
  readonly directoryOf: DirectoryFor
  readonly layerEntries: LayerEntries
}

/** One round of an update of an index; `looks` are of this very moment. */
export type IndexUpdate = (
  found: FoundDocument,
  looks: TagLooks | undefined,
) => Promise<IndexInjectionResult>

/**
 * `update` of an index: a directory for all chosen images, or one for each platform. What one round
 * has stored and said, the next one neither stores nor says again.
 */
export function createIndexUpdate(
  store: ContentStore,
  {directoryOf, layerEntries: entriesFor}: UpdateSource,
  options: UpdateOptions & {readonly dryRun: boolean},
  ports: Ports,
): IndexUpdate {
  const onWarning = warnOnce(ports)
  const stored: StoredLayers = new Map()
  let isSaid = false
  const contentOf = async (target: SuitableTarget): Promise<IndexContent> => {
    const {platform, slot, suitable: image} = target
    if (!isSaid) noticeSharding(slot, options.layers, ports)
    isSaid ||= slot !== undefined && slot.sharding !== 1
    const directory = directoryOf(platform)
    const path = options.path ?? slot?.path ?? '/'
    const walked = {
      key: JSON.stringify([directory.path, path]),
      entries: directory.entries({...options, path, clampMtime: options.created, onWarning}),
      names: directory.namesInRoot({...options, path}),
    }
    const framed = await entriesFor({image, slot}, walked)
    return {
      ...framed,
      path,
      on: directory.path,
      packing: [...packingOf(directory.path, path, options), framed.key],
      time: undefined,
    }
  }
  const {platforms, created} = options
  const wanted = {...options, platforms, created, contentOf, stored}
  const warnsOfEmptiness = !options.dryRun
  return (found, looks) => applyToIndex(store, found, {...wanted, looks, warnsOfEmptiness}, ports)
}
