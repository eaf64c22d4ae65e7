import type {MergedFile} from '../../image/merge.js'
import {type ByteString, fromText} from '../byte-string.js'
import {normalisePath} from '../normalise-path.js'
import type {Entry} from '../entry.js'
import type {TarHandler} from '../tar/tar-handler.js'
import {checkSize, notAsRecorded, oursIn} from './merge-bytes.js'

/**
 * A handler that is given the entries of a slot with our part of merged files only, and these where
 * the content of the slot had them. Throws `IntegrityError` (`ERR_INJECT_SLOT_MERGE_INVALID`) for a
 * file that is not what was recorded of it, and `LimitError`.
 */
export function unmerging(merges: readonly MergedFile[], handler: TarHandler): TarHandler {
  if (merges.length === 0) return handler
  const byPlace = new Map<ByteString, MergedFile>(
    merges.map((merge) => [inArchive(merge.at ?? merge.path), merge]),
  )
  let found: {merge: MergedFile; entry: Entry; offset: number; parts: Uint8Array[]} | undefined
  let size = 0
  const take = (bytes: Uint8Array): void => {
    size += bytes.length
    checkSize(size, found?.merge.path ?? '')
    found?.parts.push(bytes)
  }
  return {
    ...handler,
    entry(entry, offset) {
      const merge = byPlace.get(normalisePath(entry.path) ?? '')
      if (!merge) {
        handler.entry(entry, offset)
        return
      }
      if (entry.kind !== 'file') throw notAsRecorded(merge.path)
      found = {merge, entry, offset, parts: []}
      size = 0
    },
    data(bytes) {
      if (found) take(Uint8Array.from(bytes))
      else handler.data(bytes)
    },
    hole(zeros) {
      if (!found) {
        handler.hole?.(zeros)
        return
      }
      checkSize(size + zeros, found.merge.path)
      take(new Uint8Array(zeros))
    },
    entryEnd() {
      if (found) {
        const {merge, entry, offset, parts} = found
        const merged = Buffer.concat(parts)
        const ours = oursIn(merged, merge)
        const {mtime} = merge
        const own = {...entry, path: inArchive(merge.path), mtime, size: ours.length} as Entry
        found = undefined
        handler.entry(own, offset)
        if (ours.length > 0) handler.data(ours)
      }
      handler.entryEnd()
    },
  }
}

function inArchive(path: string): ByteString {
  return fromText(path.slice(1))
}
