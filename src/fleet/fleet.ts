import type {OwnerRule} from '../layer/tree/owner.js'
import type {ConfigEdits} from '../image/config-edits.js'
import type {PlatformChoice} from '../image/platforms.js'
import type {Sharding, SlotParents} from '../image/sharding.js'
import type {MergeRule} from '../image/merge.js'
import type {ModeRule} from '../layer/tree/mode-rule.js'
import type {NewLayerCompression} from '../oci/media-type.js'
import type {Reference} from '../oci/names/reference.js'
import type {Position} from '../yaml/position.js'
import type {TagSelection} from './select-tags.js'
import type {Template} from './template.js'

/** What becomes of an image whose vendor has moved the tag: its slots follow, or it stays. */
export const basePolicies = ['follow', 'pin'] as const
export type BasePolicy = (typeof basePolicies)[number]

/** How images of an entry are treated. */
export interface ImageRules {
  readonly platforms: PlatformChoice
  /** Where results go; `undefined`: where the image is, under its own tag. */
  readonly target: Template | undefined
  readonly base: BasePolicy
  readonly attestations: 'drop' | 'keep'
  /** How many of the images that a tag named before stay reachable by tags of their own. */
  readonly keep: number | undefined
  /** Convert images in Docker's format to OCI. */
  readonly toOci: boolean
  readonly edits: ConfigEdits | undefined
  /** The names of the slots that its images get; `undefined`: all of the fleet. */
  readonly slots: readonly string[] | undefined
}

/** Some images, as the file names them. */
export interface FleetEntry {
  readonly at: Position
  readonly images: ImagePattern
  readonly rules: ImageRules
}

export type ImagePattern =
  | {readonly kind: 'reference'; readonly reference: Reference}
  /** Tags of one repository. */
  | {
      readonly kind: 'tags'
      readonly registry: string
      readonly repository: string
      readonly tags: TagSelection
    }
  /** Tags of repositories that the registry lists. */
  | {
      readonly kind: 'repositories'
      readonly registry: string
      /** A glob of repositories. */
      readonly repositories: string
      readonly tags: TagSelection
    }

/** Where the content of a slot comes from; paths are relative to the file's folder or absolute. */
export type FleetSource =
  /** A directory, a file, or an archive: a file whose name ends as in `archiveName`. */
  | {readonly kind: 'path'; readonly path: string}
  | {
      readonly kind: 'image'
      readonly reference: Reference
      /** The slot of that image; `undefined`: its only one, or with `path` its file system. */
      readonly slot: string | undefined
      /** A directory in it, absolute; `undefined`: all of the slot. */
      readonly path: string | undefined
    }
  /** PEM files: certificates for the trust stores of each image. */
  | {readonly kind: 'certs'; readonly files: readonly string[]}

/** The names of files that are archives. */
export const archiveName = /\.(?:tar|tar\.gz|tgz|tar\.zst)$/

/** A slot that images get. */
export interface FleetSlot {
  readonly name: string
  readonly source: FleetSource
  readonly path: string | undefined
  readonly owner: OwnerRule | undefined
  readonly chmod: ModeRule | undefined
  readonly exclude: readonly string[]
  readonly whiteouts: boolean
  readonly allowEmpty: boolean
  /** Files to be merged with the vendor's; `undefined`: none. */
  readonly merges: readonly MergeRule[] | undefined
  readonly parents: SlotParents
  readonly layers: Sharding | undefined
  readonly compression: NewLayerCompression
  readonly level: number | undefined
}

/** A fleet file as a value. */
export interface Fleet {
  /** Recorded with each of its slots; another fleet leaves those alone. */
  readonly name: string
  readonly entries: readonly FleetEntry[]
  readonly slots: readonly FleetSlot[]
  /** Where else to look for slots of this fleet that no entry asks for any more. */
  readonly prune: readonly ImagePattern[]
}
