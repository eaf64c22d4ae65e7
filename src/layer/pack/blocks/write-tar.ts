import {localIoError} from '../../../disk/local-io-error.js'
import {type ByteString, readable} from '../../byte-string.js'
import {type BlockRule, pathHash} from '../../compress/blocks.js'
import {blockSize, encodeHeader} from '../../tar/encode-header.js'
import {changed} from '../../tree/file-state.js'
import type {WalkedEntry} from '../../tree/walked-entry.js'
import type {EntryCount} from './count-entries.js'
import {tarBlocks, type TarItem, UnreadFile} from './tar-blocks.js'

/** What the tar has of an entry, with the entry for messages. */
export interface EntryItem extends TarItem {
  readonly walked: WalkedEntry
}

/**
 * What the tar has of each entry, counted by `count`. With `room`, of 512 bytes, an item is valid
 * until the next one is asked for. Throws what `encodeHeader` throws, and what `entries` throw.
 */
export function* tarItems(
  entries: Iterable<WalkedEntry>,
  count?: EntryCount,
  room?: Uint8Array,
): Generator<EntryItem> {
  for (const walked of entries) {
    count?.add(walked)
    const {entry, file, content} = walked
    const header = encodeHeader(entry, room)
    yield {
      walked,
      header: content ? withContent(header, content) : header,
      size: file && entry.kind === 'file' ? entry.size : 0,
      hash: pathHash(entry.path),
      file,
    }
  }
}

/** An entry in whole blocks, content that is in memory included. */
export function withContent(header: Uint8Array, content: Uint8Array): Uint8Array {
  const padding = new Uint8Array(-content.length & (blockSize - 1))
  return Buffer.concat([header, content, padding])
}

/**
 * The tar stream of `entries`, cut into blocks by `rule` and counted by `count`; each block is in a
 * buffer from `allocate` (of the length asked for), which the consumer owns from then on. Throws
 * what `tarItems` throws, and `LocalIoError`: `ERR_INJECT_CHANGED_WHILE_PACKED` for a file that is
 * not, when read to its end, what was listed.
 */
export function* writeTar(
  entries: Iterable<WalkedEntry>,
  rule: BlockRule,
  allocate: (length: number) => Buffer,
  count?: EntryCount,
): Generator<Buffer> {
  const room = Buffer.alloc(blockSize)
  try {
    yield* tarBlocks(tarItems(entries, count, room), rule, allocate)
  } catch (error) {
    if (!(error instanceof UnreadFile)) throw error
    throw unreadFile((error.item as EntryItem).walked.entry.path, error)
  }
}

/** The error for the user, of an entry whose file could not be read. */
export function unreadFile(
  path: ByteString,
  {doing, cause}: Pick<UnreadFile, 'doing' | 'cause'>,
): Error {
  return cause instanceof Error ? localIoError(cause, doing, readable(path)) : changed(path)
}
