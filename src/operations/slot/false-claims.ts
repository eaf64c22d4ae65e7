import type {Layer} from '../../image/image.js'
import type {LayerFormat} from '../../layer/pack/pack.js'
import type {Ports} from '../../ports.js'
import {dryPack, isBlobOf, type IsStanding, type KnownLayer} from './known-layers.js'
import {type Part, partsOf, type ShardedContent} from './shard-parts.js'
import {summed} from './shard-progress.js'

/** By number: layers with the right diff ID of which only another image says what is in them. */
export type Claims = Map<number, KnownLayer>

/**
 * The parts for which a claimed layer is not what they pack to. Nothing is packed if the tags name
 * the result of all layers already.
 */
export async function* falseClaims(
  sharded: ShardedContent,
  {
    claims,
    layers,
    isStanding,
    compression,
    level,
  }: LayerFormat & {
    readonly isStanding: IsStanding
    readonly claims: Claims
    readonly layers: readonly (Layer | undefined)[]
  },
  ports: Ports,
): AsyncGenerator<Part> {
  if (claims.size === 0) return
  const found = layers.filter((layer) => layer !== undefined)
  if (found.length === layers.length && isStanding(found, sharded.plan)) return
  const quiet = summed(ports)
  for (const part of partsOf(sharded, ports)) {
    const layer = claims.get(part.number)
    const packed = layer && (await dryPack(part.entries, {compression, level}, quiet()))
    if (layer && packed && !isBlobOf(layer, packed)) yield part
    else part.release()
  }
}
