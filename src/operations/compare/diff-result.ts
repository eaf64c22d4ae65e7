import type {Digest} from '../../oci/digest.js'
import type {Platform} from '../../oci/platform.js'
import {type ChangeCounts, totalOf} from './count-changes.js'
import type {ConfigChange} from './compare-configs.js'
import type {FileChange, FileFacts} from './file-change.js'
import type {PullCost} from './pull-cost.js'
import type {ChangeRow} from './roll-up.js'

/** A path for people and for JSON. */
export interface NamedPath {
  /** As UTF-8, or one character for each byte where it is not that. */
  readonly path: string
  /** Its bytes in base64, only where they are not UTF-8. */
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
  /** Directories of which only the time differs, and which are in no row. */
  readonly directoryTimes: number
  /** Summed up by directory; empty unless asked for. */
  readonly rows: readonly NamedRow[]
  /** One by one; empty unless asked for. */
  readonly changes: readonly NamedChange[]
  /** How many changes there are beyond those that are listed. */
  readonly omitted: number
  /** How many layers were read: none that both have, unless that was asked for. */
  readonly layersRead: number
}

/** What differs between two images for one platform, or between two other trees. */
export interface PlatformDiff extends TreeDiff {
  /** `null` where one of the two is a directory. */
  readonly platform: Platform | null
  readonly status: 'same' | 'changed' | 'added' | 'removed'
  readonly first: Digest | null
  readonly second: Digest | null
  /** Of whole images: what differs beside their files. */
  readonly config: readonly ConfigChange[]
  /** Of two images: what the second one costs a client that has the first one. */
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
  /** Of two indexes: what differs beside their images. */
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

/** Of a pair of which nothing is known yet. */
export const noImages = {
  ...noFiles,
  ...{platform: null, first: null, second: null, config: [], pull: null},
}

/** Whether anything differs, in files or beside them. */
export function statusOf(
  {files}: TreeDiff,
  config: readonly ConfigChange[],
): PlatformDiff['status'] {
  return totalOf(files) + config.length > 0 ? 'changed' : 'same'
}
