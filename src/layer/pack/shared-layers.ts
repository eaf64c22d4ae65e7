import type {BlobInfo} from '../../oci/descriptor.js'
import type {CallOptions} from '../../store/content-store.js'
import type {LayerSource} from './pack.js'
import type {PackedContent} from './packed-content.js'

/** A layer that a store holds. */
export interface SharedLayer {
  readonly blob: BlobInfo
  readonly content: PackedContent
  /** Of its descriptor. */
  readonly annotations: Readonly<Record<string, string>> | undefined
  /** Whether its bytes had to be sent. */
  readonly uploaded: boolean
}

/**
 * Layers that several images have in common: each is read, packed and sent once. `packing` says
 * what is packed and how; equal lists mean equal layers.
 */
export interface SharedLayers {
  /** What the entries amount to: what `find` gives, which is called once for each `packing`. */
  content(packing: readonly string[], find: () => Promise<PackedContent>): Promise<PackedContent>
  /** Makes the image's store hold the layer; `source` is called once for each `packing`. */
  store(
    packing: readonly string[],
    source: () => LayerSource,
    call: CallOptions,
  ): Promise<SharedLayer>
}
