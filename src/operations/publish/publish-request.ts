import type {Reference} from '../../oci/names/reference.js'
import type {ConflictPolicy} from './on-conflict.js'

/** Where a result goes. */
export interface TargetRequest {
  /** Another place; `undefined`: the place of the image. */
  readonly to?: Reference | undefined
  /** Empty: the tag in the reference, or in `to`. */
  readonly tags: readonly string[]
}

/** How a result is published. */
export interface PublishRequest {
  /** Find out what would be done, without doing it. */
  readonly dryRun: boolean
  readonly onConflict: ConflictPolicy
  /** Overwrite no tag: it must not exist, or must name the result already. */
  readonly noClobber: boolean
  /** What happens to BuildKit's attestations of an image that is replaced. Default: `drop`. */
  readonly attestations?: 'drop' | 'keep' | undefined
  /** Bytes of the chunks in which layers are sent; default: one request for each layer. */
  readonly chunkSize?: number | undefined
}
