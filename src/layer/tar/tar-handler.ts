import type {Entry} from '../entry.js'
import type {TarHeader} from './decode-header.js'

/** Called with the parts of an archive, in their order. If it throws, reading ends. */
export interface TarHandler {
  /**
   * Every header block, before what it says is used: `header` is what stands at `at` in `block`.
   */
  header?(header: TarHeader, block: Buffer, at: number): void
  /** The body of an extended header, before it is used. */
  extension?(body: Buffer): void
  /** Called if the padding after content is not zeros. */
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
