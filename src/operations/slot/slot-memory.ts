import type {PackedContent} from '../../layer/pack/packed-content.js'
import type {LayerLook} from '../../layer/tree/division.js'
import type {WalkKeeper} from '../../layer/recording/recorded-walk.js'
import type {Digest} from '../../oci/digest.js'
import type {LayerMemory} from '../../layer/memory/memory.js'

/**
 * Clocks of file systems tick at most this slowly, in nanoseconds: what is touched twice within a
 * tick looks as if touched once.
 */
const tick = 2_000_000_000n

/** What is remembered of the layers that a directory was packed into. */
export interface SlotMemory {
  /** Nothing can be recalled. */
  readonly isEmpty: boolean
  /** Whether walks are kept between runs. */
  readonly keepsWalks: boolean
  /** What a layer that looks like this holds, if it was packed before. */
  recall(look: LayerLook): PackedContent | undefined
  /** Bytes of the tar of the layer with this diff ID; `undefined` if that is not remembered. */
  tarSizeOf(diffId: Digest): number | undefined
  /** Notes what was read, if it was. */
  remember(content: PackedContent): void
  /** Where a walk is kept that has this key. */
  keeperOf(key: string): Promise<WalkKeeper>
  /** Keeps what was noted for the next run. */
  save(): Promise<void>
}

/** Changes in the two seconds before `memory` was opened make a look unreliable. */
export function createSlotMemory(memory: LayerMemory): SlotMemory {
  return {
    isEmpty: memory.isEmpty,
    keepsWalks: memory.keepsWalks,
    recall: (look) => memory.recall(look),
    tarSizeOf: (diffId) => memory.find(diffId)?.tarSize,
    remember(content) {
      if (content.look) memory.remember(content.look, content, memory.opened - tick)
    },
    keeperOf: async (key) => ({
      now: memory.opened,
      before: memory.opened - tick,
      kept: await memory.recallWalk(key),
      keep: (encode) => memory.rememberWalk(key, encode),
    }),
    save: () => memory.save(),
  }
}
