import type {Digest} from '../../oci/digest.js'
import {display} from '../byte-string.js'
import type {Entry} from '../entry.js'
import type {CompressedText, StoredText} from './compressed-text.js'
import type {ChunkedFile} from './file-chunks.js'
import {tocJson} from './toc-json.js'

/** A table of contents that grows entry by entry. */
export interface Toc {
  readonly add: (entry: Entry, file: ChunkedFile | undefined) => void
  /** With the digest of the tar-split; or the reason why there can be no table. */
  readonly end: (tarSplit: Digest) => StoredText | string
}

/** Bytes, stored or not: readers take no more, and fetch the whole layer instead. */
const largest = 150 * 1024 * 1024

export function createToc(text: CompressedText): Toc {
  let count = 0
  let obstacle: string | undefined
  text.add('{"version":1,"entries":[')
  return {
    add(entry, file) {
      if (obstacle !== undefined) return
      const json = tocJson(entry, file)
      if (json === undefined) {
        obstacle = `it cannot hold the name or time of ${display(entry.path)}`
        return
      }
      text.add(count === 0 ? json : `,${json}`)
      count++
    },
    end(tarSplit) {
      if (obstacle !== undefined) return obstacle
      text.add(`],"tarSplitDigest":"${tarSplit}"}`)
      const stored = text.end()
      return stored.size > largest ? 'it would be larger than 150 MiB' : stored
    },
  }
}
