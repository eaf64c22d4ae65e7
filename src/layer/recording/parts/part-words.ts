import type {MessagePort} from 'node:worker_threads'
import type {FileState} from '../../tree/file-state.js'
import type {Tree} from '../../tree/walked-entry.js'

/**
 * What threads that walk parts of a tree share with the one that walks the tree, in words: how
 * often the threads found something, the bytes of rows that are yet to be taken, and of each part
 * what comes of it.
 */
export const beats = 0
export const waiting = 1
const firstPart = 2

/** What comes of a part: nobody has begun, it is not for threads, a thread walks it, or has. */
export const [free, kept, walking, walked] = [0, 1, 2, 3]

export function wordCount(parts: number): number {
  return firstPart + parts
}

/** The word of a part. */
export function wordOf(part: number): number {
  return firstPart + part
}

/** What a thread starts with. */
export interface PartWork {
  readonly tree: Tree
  /** As `listParts` gives them: the last ones are walked first. */
  readonly parts: readonly string[]
  readonly words: Int32Array
}

export interface PartWorkerData extends PartWork {
  readonly port: MessagePort
}

/** What a thread found in a part, sent before its word says so. */
export interface FoundPart {
  readonly part: number
  /** `undefined` if it has to be walked by who warns of what is odd about it, or throws. */
  readonly found:
    | {
        /** As `PackedRows` has them. */
        readonly pieces: readonly Uint8Array<ArrayBuffer>[]
        /** Of the pieces. */
        readonly bytes: number
        /** Of the directory itself, before it was listed. */
        readonly state: FileState
      }
    | undefined
}
