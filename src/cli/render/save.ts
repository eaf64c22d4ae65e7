import prettyBytes from 'pretty-bytes'
import type {ProgressEvent} from '../../ports.js'
import type {PruneCacheResult} from '../../operations/maintain/prune-cache.js'
import type {SaveFolderResult} from '../../operations/save/save-folder.js'
import type {SaveResult} from '../../operations/save/save.js'
import {count} from './text/count.js'

/**
 * How an archive is shown: a line for each image, where standard output is not the archive itself.
 */
export const shownArchive = {
  line: ({file, images}: SaveResult) =>
    file === null ? undefined : images.map(({reference}) => reference).join('\n'),
  summary: ({file, images, bytes}: SaveResult): ProgressEvent => {
    const names = images.flatMap((image) => image.names)
    const foreign = images.reduce((sum, image) => sum + image.foreign, 0)
    const parts = [
      `${count(images.length, 'image')} saved to ${file ?? 'standard output'}: ${prettyBytes(bytes)}`,
      names.length === 0 ? 'without a name' : names.slice(0, 10).join(', '),
      ...(foreign === 0 ? [] : [`${count(foreign, 'foreign layer')} not in it`]),
    ]
    return {kind: 'notice', message: parts.join('; ')}
  },
  cost: ({bytes}: SaveResult) => ({told: bytes}),
}

export const shownFolder = {
  line: ({reference}: SaveFolderResult) => reference,
  summary: ({directory, layers, contents, bytes}: SaveFolderResult): ProgressEvent => {
    const {fetched, cached} = contents
    const sources = `${fetched} fetched (${prettyBytes(bytes)})${cached === 0 ? '' : `, ${cached} from the cache`}`
    const message = `image saved to ${directory}: ${count(layers, 'layer')}, ${sources}`
    return {kind: 'notice', message}
  },
  cost: ({bytes}: SaveFolderResult) => ({told: bytes}),
}

export const shownCachePrune = {
  line: () => undefined,
  summary: ({directory, removed, kept, dryRun}: PruneCacheResult): ProgressEvent => {
    const done = dryRun ? 'would be removed from' : 'removed from'
    const message = `${count(removed.blobs, 'blob')} ${done} ${directory} (${prettyBytes(removed.bytes)}); ${kept.blobs} left (${prettyBytes(kept.bytes)})`
    return {kind: 'notice', message}
  },
}
