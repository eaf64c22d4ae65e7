import type {PlatformPolicy} from '../operations/follow/pair-images.js'
import type {LookPolicy} from '../operations/follow/slot-index.js'
import type {ResultSettings, UpdateSettings} from './injection-settings.js'

/** The options of `rebase`. */
export interface RebaseSettings extends Omit<ResultSettings, 'name' | 'platforms'> {
  /** The image to put the slots on. Default: what the image says that it was made from. */
  readonly onto?: string | undefined
  /** When the vendor's platforms changed. Default: `intersect`. */
  readonly platformPolicy?: PlatformPolicy | undefined
  /** Which new layers are read to tell what slots hide of them. Default: `auto`. */
  readonly look?: LookPolicy | undefined
  /** Rebase an image of buildpacks although it forbids that. */
  readonly force?: boolean | undefined
}

/** The options of `status`. */
export interface StatusSettings extends Omit<
  UpdateSettings,
  keyof Omit<ResultSettings, 'name' | 'platforms'> | 'baseAnnotations' | 'edits' | 'chunkSize'
> {
  /** The vendor's image, for images that do not say what they were made from. */
  readonly base?: string | undefined
  /** Also compare the slots with this directory, as `update` does it with the same options. */
  readonly directory?: string | undefined
}

/** The options of `rollback`. */
export interface RollbackSettings extends Pick<
  ResultSettings,
  'tags' | 'keep' | 'keepAs' | 'dryRun'
> {
  /** How many updates to go back, a digest, or an RFC 3339 time. Default: 1. */
  readonly to?: number | string | undefined
}
