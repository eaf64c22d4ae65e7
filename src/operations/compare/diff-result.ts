import type {Digest} from '../../oci/digest.js'
import type {Platform} from '../../oci/platform.js'
import {type ChangeCounts, totalOf} from './count-changes.js'
import type {ConfigChange} from './compare-configs.js'
import type {FileChange, FileFacts} from './file-change.js'
import type {PullCost} from './pull-cost.js'
import type {ChangeRow} from './roll-up.js'

/** A path for people and for JSON. */
export interface NamedPath {
  /** As UTF-8; one character per byte if it is not valid UTF-8. */
  readonly path: string
  /** Its bytes in base64, only if they are not UTF-8. */
  readonly pathBytes?: string
}

type Facts = Omit<FileFacts, 'target'> & {readonly target?: string}

/** One path that differs. */
export type NamedChange = NamedPath &
  Omit<FileChange, 'path' | 'before' | 'after'> & {
    readonly before: Facts | null
    readonly after: Facts | null
  }

/** Several paths that differ in the same way, or one. */
export type NamedRow = NamedPath & Omit<ChangeRow, 'path'>

/** What differs between the files of two trees. */
export interface TreeDiff {
  readonly files: ChangeCounts
  /** The number of directories of which only the time differs; they have no row. */
  readonly directoryTimes: number
  /** Summed up by directory; empty unless asked for. */
  readonly rows: readonly NamedRow[]
  /** One by one; empty unless asked for. */
  readonly changes: readonly NamedChange[]
  /** The number of changes that are not listed. */
  readonly omitted: number
  /** The number of layers that were read; common layers only if asked for. */
  readonly layersRead: number
}

/** What differs between two images for one platform, or between two other trees. */
export interface PlatformDiff extends TreeDiff {
  /** `null` if one side is a directory. */
  readonly platform: Platform | null
  readonly status: 'same' | 'changed' | 'added' | 'removed'
  readonly first: Digest | null
  readonly second: Digest | null
  /** For whole images: the differences besides their files. */
  readonly config: readonly ConfigChange[]
  /** For two images: what a client that has the first one fetches for the second. */
  readonly pull: PullCost | null
}

export interface ComparedSide {
  /** `repository@digest`, or the directory. */
  readonly name: string
  readonly digest: Digest | null
  /** The slot that was compared; `null` for a whole image or a directory. */
  readonly slot: string | null
}

export interface DiffResult {
  readonly first: ComparedSide
  readonly second: ComparedSide
  readonly differs: boolean
  readonly images: readonly PlatformDiff[]
  /** For two indexes: the differences besides their images. */
  readonly index: readonly ConfigChange[]
}

const noFiles: TreeDiff = {
  files: {
    added: {paths: 0, bytes: 0},
    removed: {paths: 0, bytes: 0},
    changed: {paths: 0, bytes: 0, aspects: {}},
    unsure: 0,
  },
  directoryTimes: 0,
  rows: [],
  changes: [],
  omitted: 0,
  layersRead: 0,
}

/** The result of a pair without a comparison. */
export const noImages = {
  ...noFiles,
  ...{platform: null, first: null, second: null, config: [], pull: null},
}

/** Whether anything differs. */
export function statusOf(
  {files}: TreeDiff,
  config: readonly ConfigChange[],
): PlatformDiff['status'] {
  return totalOf(files) + config.length > 0 ? 'changed' : 'same'
}
