import type {Reference} from '../../oci/names/reference.js'
import type {ConflictPolicy} from './on-conflict.js'

/** Where a result goes. */
export interface TargetRequest {
  /** Another place; `undefined`: where the image is. */
  readonly to?: Reference | undefined
  /** Empty: the tag in the reference, or in `to`. */
  readonly tags: readonly string[]
}

/** How a result is made public. */
export interface PublishRequest {
  /** Find out what would be done, and do none of it. */
  readonly dryRun: boolean
  readonly onConflict: ConflictPolicy
  /** No tag is overwritten: it must not exist, or name the result already. */
  readonly noClobber: boolean
  /** What becomes of BuildKit's attestations of an image that is replaced. Default: `drop`. */
  readonly attestations?: 'drop' | 'keep' | undefined
  /** Bytes of the chunks that layers are sent in; default: one request for each. */
  readonly chunkSize?: number | undefined
}
