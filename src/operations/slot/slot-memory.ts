import type {PackedContent} from '../../layer/pack/packed-content.js'
import {type LayerLook, lookOf, watchEntries} from '../../layer/tree/layer-look.js'
import type {LayerMemory} from '../../layer/tree/memory.js'
import type {Entries, WalkedEntry} from '../../layer/tree/walked-entry.js'

/**
 * Clocks of file systems tick at most this slowly, in nanoseconds: what is touched twice within a
 * tick looks as if touched once.
 */
const tick = 2_000_000_000n

/** What is remembered of the layers that a directory was packed into. */
export interface SlotMemory {
  /** Nothing can be recalled. */
  readonly isEmpty: boolean
  /** What a layer of these entries holds, if it was packed before. They have the detail `states`. */
  recall(entries: Iterable<WalkedEntry>): PackedContent | undefined
  remember(look: LayerLook | undefined, content: PackedContent): void
  /** Keeps what was noted for the next run. */
  save(): Promise<void>
}

/** Touches of the last two seconds before `memory` was opened are not believed. */
export function createSlotMemory(memory: LayerMemory): SlotMemory {
  return {
    isEmpty: memory.isEmpty,
    recall: (entries) => memory.recall(lookOf(entries)),
    remember(look, content) {
      if (look) memory.remember(look, content, memory.opened - tick)
    },
    save: () => memory.save(),
  }
}

/** Entries that are packed or hashed. */
export interface NotedEntries {
  readonly entries: Entries
  /** To be called with what the entries came to when they were last listed to their end. */
  readonly note: (content: PackedContent) => void
}

/** Notes in `memory`, if there is one, what the entries come to. */
export function noted(memory: SlotMemory | undefined, entries: Entries): NotedEntries {
  if (!memory) return {entries, note: () => undefined}
  const watched = watchEntries(entries)
  return {
    entries: watched.entries,
    note: (content) => memory.remember(watched.look(), content),
  }
}
