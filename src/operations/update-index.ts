import type {ContentStore} from '../store/content-store.js'
import {applyToIndex} from './apply-index.js'
import type {IndexInjectionResult} from './describe-index.js'
import {refuseOwnLayout} from './directory.js'
import type {FoundDocument} from './find-document.js'
import type {IndexContent, SuitableTarget} from './inject-index.js'
import {layerEntries} from './layer-entries.js'
import {packingOf, type UpdateOptions, warnOnce} from './plan-update.js'
import type {DirectoryFor} from './platform-directory.js'
import type {Ports} from './ports.js'
import {noticeSharding} from './slot-sharding.js'
import type {TagLooks} from './tag-moves.js'

/** `update` of an index: a directory for all chosen images, or one for each platform. */
export function updateIndex(
  store: ContentStore,
  found: FoundDocument,
  directoryOf: DirectoryFor,
  options: UpdateOptions & {readonly dryRun: boolean; readonly looks?: TagLooks | undefined},
  ports: Ports,
): Promise<IndexInjectionResult> {
  const onWarning = warnOnce(ports)
  const entriesFor = layerEntries(store, options, ports)
  let isSaid = false
  const contentOf = async (target: SuitableTarget): Promise<IndexContent> => {
    const {platform, slot, suitable: image} = target
    if (!isSaid) noticeSharding(slot, options.layers, ports)
    isSaid ||= slot !== undefined && slot.sharding !== 1
    const directory = directoryOf(platform)
    refuseOwnLayout(options.reference, directory)
    const path = options.path ?? slot?.path ?? '/'
    const walked = {
      key: JSON.stringify([directory.path, path]),
      entries: directory.entries({...options, path, clampMtime: options.created, onWarning}),
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
  const warnsOfEmptiness = !options.dryRun
  return applyToIndex(
    store,
    found,
    {...options, platforms, created, contentOf, warnsOfEmptiness},
    ports,
  )
}
