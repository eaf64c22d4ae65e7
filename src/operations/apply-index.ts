import type {ContentStore} from '../store/content-store.js'
import {describeIndex, type IndexInjectionResult} from './describe-index.js'
import {findDocument, type FoundDocument} from './find-document.js'
import {injectIndex, type IndexOptions, type StoredLayers} from './inject-index.js'
import {warnOfReferrers} from './left-behind.js'
import {beginAgain, type ConflictPolicy} from './on-conflict.js'
import type {Ports} from './ports.js'
import {publishIndex} from './publish-index.js'
import {outstanding, refuseClobber} from './tag-moves.js'

export interface ApplyIndexOptions extends IndexOptions {
  readonly onConflict: ConflictPolicy
  readonly noClobber: boolean
}

/** Puts content into the chosen images of the index that was found, and moves the tags to the new index: one push of each layer, one tag move. */
export async function applyToIndex(
  store: ContentStore,
  found: FoundDocument,
  options: ApplyIndexOptions,
  ports: Ports,
): Promise<IndexInjectionResult> {
  const stored: StoredLayers = new Map()
  let current = found
  for (let number = 1; ; number++) {
    const looks = number === 1 ? options.looks : undefined
    const index = await injectIndex(store, current, {...options, looks}, stored, ports)
    const isKnown = index.images.every(({result}) => result !== undefined)
    const {digest} = index.after.index.descriptor
    if (options.noClobber) refuseClobber(index.moves, isKnown ? digest : undefined, store.name)
    if (options.dryRun) {
      const moves = isKnown ? outstanding(index.moves, digest) : index.moves
      return describeIndex(options, index, {tags: moves.map(({tag}) => tag), isKnown})
    }
    ports.report({kind: 'step', step: 'publish', on: store.name})
    try {
      const images = [...index.images, ...index.converted]
      const tags = await publishIndex(store, {...index, images}, {signal: ports.signal})
      const result = describeIndex(options, index, {tags, isKnown})
      await warnOfReferrers(store, result, ports)
      return result
    } catch (error) {
      await beginAgain(error, options.onConflict, {number, ...index}, ports)
      current = await findDocument(store, options.reference, ports)
    }
  }
}
