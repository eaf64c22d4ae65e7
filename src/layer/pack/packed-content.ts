import {createDigester, type Digest} from '../../oci/digest.js'
import type {BlockRule} from '../compress/blocks.js'
import {countEntries, type EntryCount} from './blocks/count-entries.js'
import {writeTar} from './blocks/write-tar.js'
import type {LayerLook} from '../tree/division.js'
import type {WalkedEntry} from '../tree/walked-entry.js'

/** What a packed directory amounts to. */
export interface PackedContent {
  /** Of the uncompressed tar: the identity of the content. */
  readonly diffId: Digest
  /** Bytes of the uncompressed tar. */
  readonly tarSize: number
  readonly entries: number
  /** Seconds since the epoch, of the newest entry; 0 for an empty directory. */
  readonly newestMtime: number
  /** The look of the entries when they were read; absent if they were not read. */
  readonly look?: LayerLook | undefined
}

export interface ContentBlocks {
  /** The tar, cut by `rule`; once. */
  readonly blocks: (rule: BlockRule, allocate: (length: number) => Buffer) => Iterable<Buffer>
  /** Seconds since the epoch, of the newest entry so far. */
  readonly newest: () => number
  /** After the last block. */
  readonly content: () => Promise<PackedContent>
}

export interface ContentOptions {
  /** Told how many bytes of tar have been read so far, at most once a block. */
  readonly onProgress?: ((tarBytes: number) => void) | undefined
}

/** What hashes the blocks. */
interface ContentHash {
  readonly update: (block: Buffer) => void
  readonly digest: () => Digest | Promise<Digest>
}

/** Counts and hashes what goes by, so that packing and hashing cannot differ. */
export function contentBlocks(
  entries: () => Iterable<WalkedEntry>,
  {onProgress}: ContentOptions,
  hash: ContentHash = createDigester(),
): ContentBlocks {
  let tarSize = 0
  let count: EntryCount | undefined

  return {
    newest: () => count?.seen().newestMtime ?? -Infinity,
    *blocks(rule, allocate) {
      count = countEntries()
      for (const block of writeTar(entries(), rule, allocate, count)) {
        hash.update(block)
        tarSize += block.length
        onProgress?.(tarSize)
        yield block
      }
    },
    content: async () => ({
      diffId: await hash.digest(),
      tarSize,
      entries: count?.seen().entries ?? 0,
      newestMtime: count?.seen().newestMtime ?? 0,
      look: count?.look(),
    }),
  }
}
