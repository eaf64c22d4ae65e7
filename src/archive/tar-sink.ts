import {blockSize, encodeHeader} from '../layer/tar/encode-header.js'
import type {ByteStream} from '../store/content-store.js'
import {writeBehind} from '../stream/write-behind.js'
import type {Member} from './index-tar.js'

/**
 * A tar that is written front to back. Entries have nothing of the machine or the moment: equal
 * ones in the same order are equal bytes.
 */
export interface TarSink {
  /** `size` must be what the stream has. */
  addFile(name: string, size: number, content: ByteStream): Promise<Member>
  addFolder(name: string): Promise<void>
  /** A symbolic link; `target` as seen from the folder that `name` is in. */
  addLink(name: string, target: string): Promise<void>
  /** Writes the end, and makes it last where it can. */
  commit(): Promise<void>
  /** Leaves nothing that can be taken back; does nothing after `commit`. */
  discard(): Promise<void>
}

/** Where the bytes of a tar go. */
export interface TarBytes {
  /** Called once at a time; the chunks are the caller's again when it has ended. */
  readonly append: (chunks: readonly Uint8Array[]) => Promise<void>
  /** How many were appended. */
  readonly position: () => number
}

const plain = {uid: 0, gid: 0, mtime: 0, xattrs: undefined} as const

/** The entries of a tar as bytes that go to `bytes`. */
export function tarEntries({append, position}: TarBytes): Pick<
  TarSink,
  'addFile' | 'addFolder' | 'addLink'
> & {
  readonly end: () => Promise<void>
} {
  return {
    async addFile(name, size, content) {
      await append([encodeHeader({kind: 'file', path: name, mode: 0o644, size, ...plain})])
      const offset = position()
      await writeBehind(content, append)
      if (position() - offset !== size) throw new RangeError(`${name} is not of ${size} bytes`)
      await append([Buffer.alloc((blockSize - (size % blockSize)) % blockSize)])
      return {offset, size}
    },
    addFolder: (name) =>
      append([encodeHeader({kind: 'directory', path: name, mode: 0o755, ...plain})]),
    addLink: (name, target) =>
      append([encodeHeader({kind: 'symlink', path: name, target, mode: 0o777, ...plain})]),
    end: () => append([Buffer.alloc(2 * blockSize)]),
  }
}
