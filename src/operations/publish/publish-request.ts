import type {Reference} from '../../oci/names/reference.js'
import type {ConflictPolicy} from './on-conflict.js'

/** Which of the documents that a tag named before stay reachable by tags. */
export interface KeepRequest {
  /** How many. */
  readonly count: number
  /** What their tags look like, with `{tag}` and `{n}`. */
  readonly template: string
}

/** Where a result goes. */
export interface TargetRequest {
  /** Another place; `undefined`: the place of the image. */
  readonly to?: Reference | undefined
  /** Empty: the tag in the reference, or in `to`. */
  readonly tags: readonly string[]
}

/** How a result is published. */
export interface PublishRequest {
  /** What the user says of the run: noted in the result, for its history. */
  readonly note?: string | undefined
  /** How many of the documents that a tag named before stay reachable by tags; default: none. */
  readonly keep?: KeepRequest | undefined
  /** Find out what would be done, without doing it. */
  readonly dryRun: boolean
  readonly onConflict: ConflictPolicy
  /** Overwrite no tag: it must not exist, or must name the result already. */
  readonly noClobber: boolean
  /** What happens to BuildKit's attestations of an image that is replaced. Default: `drop`. */
  readonly attestations?: 'drop' | 'keep' | undefined
  /** Do not look for signatures of what is replaced, nor warn of them. */
  readonly ignoresReferrers?: boolean | undefined
  /** Bytes of the chunks in which layers are sent; default: one request for each layer. */
  readonly chunkSize?: number | undefined
}
