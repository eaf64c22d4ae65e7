import type {Layer} from '../../image/image.js'
import type {PackedContent} from '../../layer/pack/packed-content.js'
import type {Digest} from '../../oci/digest.js'

/** What is known about the content of a slot, in any number of layers. */
export interface SlotFacts extends Omit<PackedContent, 'diffId' | 'look'> {
  /** That of the only layer; `undefined` if there are several. */
  readonly diffId: Digest | undefined
}

/** Of a slot of several layers. */
export function shardedFacts(
  {entries, newestMtime}: Pick<SlotFacts, 'entries' | 'newestMtime'>,
  tarSize: number,
): SlotFacts {
  return {diffId: undefined, tarSize, entries, newestMtime}
}

/** The layers of a slot, all of them in the store. */
export interface StoredContent {
  /** Lowest first. */
  readonly layers: readonly Layer[]
  /** Of layers of another slot nothing is known. */
  readonly content: Partial<SlotFacts>
  /** Whether any of the layers had to be sent. */
  readonly uploaded: boolean
  /** What was sent: layers, and their compressed bytes. */
  readonly sent: SentLayers
}

export interface SentLayers {
  readonly count: number
  /** Unknown (`undefined`) in a dry run that would have to compress. */
  readonly bytes: number | undefined
}

/** The content of one layer that was found in the store, or pushed. */
export function asContent(layer: Layer, content: PackedContent, uploaded: boolean): StoredContent {
  const sent = uploaded ? {count: 1, bytes: layer.descriptor.size} : nothingSent
  return {layers: [layer], content, uploaded, sent}
}

export const nothingSent: SentLayers = {count: 0, bytes: 0}
