import {UsageError} from '../../errors.js'
import type {Image} from '../../image/image.js'
import {mostLayers, type Sharding} from '../../image/sharding.js'
import type {Slot} from '../../image/slot.js'
import type {ShardPlan} from '../../layer/shards/shard-plan.js'
import type {Entries} from '../../layer/tree/walked-entry.js'
import type {Ports} from '../../ports.js'

/** An image that gets content, with the slot that it already has. */
interface Place {
  readonly image: Image
  readonly slot: Slot | undefined
}

/** The requested division, else that of the existing slot, else one layer. */
export function shardingOf(asked: Sharding | undefined, slot: Slot | undefined): Sharding {
  return asked ?? slot?.sharding ?? 1
}

interface PlanOptions {
  readonly warn?: ((message: string) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Divides entries into layers so that all the images have room for them; `undefined`: a single
 * layer. If there are fewer layers than there should be, `warn` is called. Throws `UsageError`
 * (`ERR_INJECT_TOO_MANY_LAYERS`) when the user asks for more than an image can have.
 */
export async function planSharding(
  entries: Entries,
  places: readonly Place[],
  asked: Sharding | undefined,
  {warn, signal}: PlanOptions = {},
): Promise<ShardPlan | undefined> {
  const sharding = shardingOf(asked, places[0]?.slot)
  const others = Math.max(
    ...places.map(({image, slot}) => {
      return image.manifest.value.layers.length - (slot?.layers.length ?? 0)
    }),
  )
  const room = mostLayers - others
  if (typeof asked === 'number' && asked > 1 && asked > room) throw tooMany(asked, others)
  if (sharding === 1) return undefined
  // most slots are one layer
  const {planShards} = await import('../../layer/shards/plan.js')
  const {plan, isLimited} = await planShards(entries, sharding, room, {signal})
  if (isLimited) {
    const message = `the image has ${others} other layers, and ${mostLayers} is all it can have: fewer layers for the slot than there should be`
    warn?.(message)
  }
  return plan
}

/** Tells the user that a slot stays divided although they did not ask for it. */
export function noticeSharding(
  slot: Slot | undefined,
  asked: Sharding | undefined,
  {report}: Pick<Ports, 'report'>,
): void {
  if (asked !== undefined || slot === undefined || slot.sharding === 1) return
  const message = `slot ${slot.name} stays divided into layers, as by --layers ${slot.sharding}; --layers 1 makes it one again`
  report({kind: 'notice', message})
}

function tooMany(asked: number, others: number): UsageError {
  return new UsageError(
    'ERR_INJECT_TOO_MANY_LAYERS',
    `the image has ${others} other layers, and ${mostLayers} is all it can have: there is no room for ${asked}`,
    {hint: 'use fewer --layers, or --layers auto'},
  )
}
