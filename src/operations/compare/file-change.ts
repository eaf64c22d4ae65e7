import type {ByteString} from '../../layer/byte-string.js'
import type {Entry} from '../../layer/entry.js'

/**
 * The aspects of a file that can differ: whether it is a file, directory, link or device (`type`);
 * its content, link target or device number (`content`, `target`, `device`); metadata; `links`: of
 * which other paths it is the same file; `opaque`: that layers below have something in the
 * directory that the other side hides.
 */
export const fileAspects = [
  'type',
  'content',
  'target',
  'device',
  'mode',
  'owner',
  'time',
  'attributes',
  'links',
  'opaque',
] as const

export type FileAspect = (typeof fileAspects)[number]

/** A file as it is on one side. */
export interface FileFacts {
  /** `whiteout`: deletes content of lower layers that were not read. */
  readonly type: Entry['kind'] | 'whiteout'
  /** Of a file, in bytes; else 0. */
  readonly size: number
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Seconds since the epoch. */
  readonly mtime: number
  /** The target of a link; `major:minor` for a device; else `undefined`. */
  readonly target: ByteString | undefined
  /** Of a file's content, as hex; else `undefined`. */
  readonly sha256: string | undefined
}

/** One path that differs. */
export interface FileChange {
  readonly change: 'added' | 'removed' | 'changed'
  /** Without a slash in front. */
  readonly path: ByteString
  readonly before: FileFacts | undefined
  readonly after: FileFacts | undefined
  /** The aspects that differ, if both exist. */
  readonly aspects: readonly FileAspect[]
  /** Added or removed bytes of content; further names of a file count as 0. */
  readonly bytes: number
  /** A common layer that was not read may also hold this path. */
  readonly unsure: boolean
}
