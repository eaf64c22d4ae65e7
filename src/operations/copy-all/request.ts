import type {PlatformChoice} from '../../image/platforms.js'
import type {RegistryPrefix} from '../../oci/names/registry-prefix.js'

/** The options of `copyAll`. */
export interface CopyAllOptions {
  readonly from: RegistryPrefix
  readonly to: RegistryPrefix
  /** Globs `REPOSITORY[:TAG]` of the source's names, of which one must match; none: everything. */
  readonly include: readonly string[]
  /** The same for what is left out. */
  readonly exclude: readonly string[]
  /** Which images of indexes to copy; `undefined`: indexes as they are. */
  readonly platforms: PlatformChoice | undefined
  /** Also copy what refers to the images. */
  readonly referrers: boolean
  readonly noClobber: boolean
  readonly dryRun: boolean
  readonly chunkSize: number | undefined
  /** Images that are copied at once. */
  readonly jobs: number
}
