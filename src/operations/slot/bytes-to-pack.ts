import type {KnownLayer} from './known-layers.js'
import type {ShardedContent} from './shard-parts.js'
import type {SlotMemory} from './slot-memory.js'

/** Content that may be remembered. */
interface RememberedContent extends Pick<ShardedContent, 'plan' | 'frame'> {
  readonly memory?: Pick<SlotMemory, 'tarSizeOf'> | undefined
}

/**
 * About the bytes of tar of the layers in which files were touched, by what they were in the slot
 * before; 0 if that is not remembered.
 */
export function bytesToPack(
  {plan, frame, memory}: RememberedContent,
  known: readonly Pick<KnownLayer, 'own' | 'diffId'>[],
): number {
  const looks = plan.kept?.looks
  const own = known.filter((layer) => layer.own)
  if (frame || !memory || own.length !== looks?.length) return 0
  const touched = own.filter((_, number) => looks[number] === undefined)
  return touched.reduce((sum, {diffId}) => sum + (memory.tarSizeOf(diffId) ?? 0), 0)
}
