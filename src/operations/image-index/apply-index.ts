import type {ContentStore} from '../../store/content-store.js'
import {describeIndex, type IndexInjectionResult} from './describe-index.js'
import type {FoundDocument} from '../find/find-document.js'
import {injectIndex, type IndexOptions, type StoredLayers} from './inject-index.js'
import {warnOfReferrers} from './left-behind.js'
import type {Ports} from '../../ports.js'
import {publishIndex} from '../publish/publish-index.js'
import {outstanding, refuseClobber} from '../publish/tag-moves.js'

export interface ApplyIndexOptions extends IndexOptions {
  readonly noClobber: boolean
  /** The layers that earlier rounds stored; this round adds its own. */
  readonly stored: StoredLayers
}

/**
 * Puts content into the chosen images of the index that was found, and moves the tags to the new
 * index: one push of each layer, one tag move.
 */
export async function applyToIndex(
  store: ContentStore,
  found: FoundDocument,
  options: ApplyIndexOptions,
  ports: Ports,
): Promise<IndexInjectionResult> {
  const index = await injectIndex(store, found, options, options.stored, ports)
  const isKnown = index.images.every(({result}) => result !== undefined)
  const {digest} = index.after.index.descriptor
  if (options.noClobber) refuseClobber(index.moves, isKnown ? digest : undefined, store.name)
  if (options.dryRun) {
    const moves = isKnown ? outstanding(index.moves, digest) : index.moves
    return describeIndex({...options, name: index.name}, index, {
      tags: moves.map(({tag}) => tag),
      isKnown,
    })
  }
  ports.report({kind: 'step', step: 'publish', on: store.name})
  const images = [...index.images, ...index.converted]
  const tags = await publishIndex(store, {...index, images}, {signal: ports.signal})
  const result = describeIndex({...options, name: index.name}, index, {tags, isKnown})
  await warnOfReferrers(store, result, ports)
  return result
}
