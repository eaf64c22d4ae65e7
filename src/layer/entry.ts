import type {ByteString} from './byte-string.js'

/**
 * What every entry of a layer carries. Times are whole seconds since the epoch: Docker's own round
 * trip keeps no more.
 */
export interface EntryMetadata {
  /**
   * Relative to the image's root, no leading `/` or `./`, no trailing `/`, no `.` or `..`
   * component, never empty.
   */
  readonly path: ByteString
  /** The lower 12 bits of `st_mode`: permissions with setuid, setgid and sticky. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtime: number
  /**
   * By full name (`user.x`, `security.capability`), values as bytes; `undefined` is the same as
   * none.
   */
  readonly xattrs: ReadonlyMap<string, Uint8Array> | undefined
}

/**
 * One member of a layer. A hard link's target is the path of an earlier entry of the same layer.
 */
export type Entry = EntryMetadata &
  (
    | {readonly kind: 'file'; readonly size: number}
    | {readonly kind: 'directory'}
    | {readonly kind: 'symlink'; readonly target: ByteString}
    | {readonly kind: 'hardlink'; readonly target: ByteString}
    | {readonly kind: 'fifo'}
    | {
        readonly kind: 'character-device' | 'block-device'
        readonly major: number
        readonly minor: number
      }
  )
