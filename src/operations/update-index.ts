import type {ContentStore} from '../store/content-store.js'
import {applyToIndex} from './apply-index.js'
import type {IndexInjectionResult} from './describe-index.js'
import {refuseOwnLayout} from './directory.js'
import type {FoundDocument} from './find-document.js'
import type {IndexContent} from './inject-index.js'
import type {IndexTarget} from './index-targets.js'
import {packingOf, type UpdateOptions, warnOnce} from './plan-update.js'
import type {DirectoryFor} from './platform-directory.js'
import type {Ports} from './ports.js'

/** `update` of an index: a directory for all chosen images, or one for each platform. */
export function updateIndex(
  store: ContentStore,
  found: FoundDocument,
  directoryOf: DirectoryFor,
  options: UpdateOptions & {readonly dryRun: boolean},
  ports: Ports,
): Promise<IndexInjectionResult> {
  const onWarning = warnOnce(ports)
  const contentOf = ({platform, slot}: IndexTarget): IndexContent => {
    const directory = directoryOf(platform)
    refuseOwnLayout(options.reference, directory)
    const path = options.path ?? slot?.path ?? '/'
    const {created} = options
    return {
      key: JSON.stringify([directory.path, path]),
      path,
      entries: directory.entries({...options, path, clampMtime: created, onWarning}),
      on: directory.path,
      packing: packingOf(directory.path, path, options),
      time: undefined,
    }
  }
  const {platforms, created} = options
  return applyToIndex(store, found, {...options, platforms, created, contentOf}, ports)
}
