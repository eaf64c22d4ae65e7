import {closeSync, fstatSync, openSync, unlinkSync} from 'node:fs'
import {join} from 'node:path'
import {localIoError} from '../../disk/local-io-error.js'
import {clearDead, ownedName} from '../../disk/owned-name.js'
import {writeAll} from '../../disk/write-all.js'
import {type FileState, stateOf} from '../tree/file-state.js'

/** A file that holds the contents of many entries, one after the other. */
export interface ContentFile {
  readonly path: string
  /** Its state once nothing more is written to it. */
  readonly stat: FileState
}

/** A temporary file of this process's own for contents that are needed in another order. */
export interface ContentSpool {
  readonly file: ContentFile
  /** Where the next byte goes. */
  position(): number
  write(bytes: Uint8Array): void
  /** Goes on after so many zeros, which take no space. */
  skip(zeros: number): void
  /** After the last byte: what is written can be read from `file`. */
  end(): void
  /** Removes the file. */
  close(): void
}

const prefix = 'inject-source-'
/** Contents are collected up to this many bytes: many are small. */
const pieceSize = 256 * 1024

/**
 * An empty spool in `folder`; the file is made when there is something to write. Removes what
 * killed runs left there. Its calls throw `LocalIoError`.
 */
export async function createContentSpool(folder: string): Promise<ContentSpool> {
  await clearDead(folder, prefix)
  const path = join(folder, ownedName(prefix))
  const piece = Buffer.allocUnsafe(pieceSize)
  let descriptor: number | undefined
  let stat: FileState | undefined
  /** Bytes of the file that are written, and those that wait in `piece`. */
  let [written, waiting] = [0, 0]

  return {
    file: {
      path,
      get stat() {
        if (!stat) throw new Error('the spool is still being written')
        return stat
      },
    },
    position: () => written + waiting,
    write(bytes) {
      if (bytes.length > pieceSize - waiting) flush()
      if (bytes.length > pieceSize) {
        put(bytes)
        return
      }
      piece.set(bytes, waiting)
      waiting += bytes.length
    },
    skip(zeros) {
      flush()
      written += zeros
    },
    end() {
      flush()
      attempt(() => {
        if (descriptor !== undefined) stat = stateOf(fstatSync(descriptor, {bigint: true}))
      })
    },
    close() {
      if (descriptor === undefined) return
      closeSync(descriptor)
      descriptor = undefined
      unlinkSync(path)
    },
  }

  function flush(): void {
    if (waiting === 0) return
    const bytes = piece.subarray(0, waiting)
    waiting = 0
    put(bytes)
  }

  function put(bytes: Uint8Array): void {
    attempt(() => {
      descriptor ??= openSync(path, 'wx', 0o600)
      writeAll(descriptor, bytes, written)
    })
    written += bytes.length
  }

  function attempt(work: () => void): void {
    try {
      work()
    } catch (error) {
      throw localIoError(error, 'write', path)
    }
  }
}
