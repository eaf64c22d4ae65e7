import type {BlockUse} from './block-access.js'
import {type BlockEntry, decodeEntry, entryLength} from './block-entry.js'
import {type BlockFile, copyBytes, headerLength, isAsOpened, writeIndex} from './block-file.js'

/** A file of new blocks, which begin after the room for a header. */
export interface FreshBlocks {
  readonly descriptor: number
  /** Where the next block would go. */
  readonly end: number
}

/**
 * Keeps the blocks that a run used and added, and no others: in the file of the run before (`own`),
 * which is added to, or in the new one (`fresh`), when less than half of the other would be of use,
 * or it would have more than `limit` bytes. Throws what the system throws.
 */
export function keepBlocks(
  own: BlockFile | undefined,
  fresh: FreshBlocks,
  uses: readonly BlockUse[],
  limit: number,
): 'own' | 'fresh' {
  const used = own ? usedEntries(own, uses) : []
  const added = addedEntries(uses)
  const kept = [...used, ...added]
  const isOfUse =
    own !== undefined &&
    isAsOpened(own) &&
    !isMostlyUnused(own, fresh, kept) &&
    own.end + fresh.end + kept.length * entryLength <= limit
  if (!isOfUse) {
    keepInFresh(own, fresh, {used, added})
    return 'fresh'
  }
  const isKnown = added.length === 0 && used.length === own.index.length / entryLength
  if (!isKnown) addToOwn(own, fresh, {used, added})
  return 'own'
}

interface KeptEntries {
  readonly used: readonly BlockEntry[]
  readonly added: readonly BlockEntry[]
}

function usedEntries({index}: BlockFile, uses: readonly BlockUse[]): BlockEntry[] {
  const numbers = new Set(uses.flatMap(({used}) => used))
  return Array.from(numbers, (number) => decodeEntry(index, number))
}

/** Each block once, though several threads may have come to it. */
function addedEntries(uses: readonly BlockUse[]): BlockEntry[] {
  const entries = uses.flatMap(({added}) => added.map((each) => decodeEntry(Buffer.from(each), 0)))
  const byKey = new Map(entries.map((entry) => [entry.key.toString('latin1'), entry]))
  return [...byKey.values()]
}

function isMostlyUnused(own: BlockFile, fresh: FreshBlocks, kept: readonly BlockEntry[]): boolean {
  const useful = kept.reduce((sum, {length}) => sum + length + entryLength, 0)
  return 2 * useful < own.end + fresh.end
}

function addToOwn(own: BlockFile, fresh: FreshBlocks, {used, added}: KeptEntries): void {
  const {end, descriptor} = own
  const length = fresh.end - headerLength
  copyBytes({from: fresh.descriptor, offset: headerLength, length}, descriptor, end)
  const moved = added.map((each) => ({...each, offset: each.offset - headerLength + end}))
  writeIndex(descriptor, end + length, [...used, ...moved])
}

function keepInFresh(
  own: BlockFile | undefined,
  fresh: FreshBlocks,
  {used, added}: KeptEntries,
): void {
  let {end} = fresh
  const moved: BlockEntry[] = []
  for (const entry of used) {
    const {offset, length} = entry
    copyBytes({from: own?.descriptor ?? -1, offset, length}, fresh.descriptor, end)
    moved.push({...entry, offset: end})
    end += length
  }
  writeIndex(fresh.descriptor, end, [...added, ...moved])
}
