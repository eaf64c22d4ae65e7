import type {Entry} from '../entry.js'
import type {TarHeader} from './decode-header.js'

/** Told what an archive holds, in its order. What it throws ends the reading. */
export interface TarHandler {
  /**
   * Every header block, before what it says is used: `header` is what stands at `at` in `block`.
   */
  header?(header: TarHeader, block: Buffer, at: number): void
  /** What an extended header holds, after its own block and before what it says is used. */
  extension?(body: Buffer): void
  /** What fills up the last block of a content is not zeros. */
  oddPadding?(): void
  /**
   * `path` and `target` are as the archive has them: whether they are safe is still to be seen.
   * `offset` is where in the archive its content begins.
   */
  entry(entry: Entry, offset: number): void
  /** A part of the content of the entry before; the bytes are valid during the call only. */
  data(bytes: Uint8Array): void
  /** So many zeros of its content, which the archive does not hold. */
  hole?(zeros: number): void
  /** Nothing more of that entry comes; called for entries of every kind. */
  entryEnd(): void
}
