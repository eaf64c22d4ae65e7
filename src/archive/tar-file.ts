import {constants, type FileHandle, open, rename, rm} from 'node:fs/promises'
import {basename, dirname, join} from 'node:path'
import {clearDead, ownedName} from '../disk/owned-name.js'
import {localIoError} from '../disk/local-io-error.js'
import {syncFolder} from '../disk/temp-file.js'
import {blockSize, encodeHeader} from '../layer/tar-header.js'
import type {ByteStream} from '../store/content-store.js'
import type {Member} from './index-tar.js'

/** A tar that is written front to back under a name of its own, and gets its lasting name when it is whole. */
export interface TarFile {
  readonly path: string
  /** What has been written before fails to be the whole entry: it is taken back. `size` must be what the stream has. */
  addFile(name: string, size: number, content: ByteStream): Promise<Member>
  addFolder(name: string): Promise<void>
  /** Writes the end, makes the bytes durable, then the name. */
  commit(): Promise<void>
  /** Leaves nothing; does nothing after `commit`. */
  discard(): Promise<void>
}

/** Nothing of the machine or the moment: equal entries in the same order are equal bytes. */
const plain = {uid: 0, gid: 0, mtime: 0, xattrs: undefined} as const

/** Begins to write `target`, which is replaced at the end. Throws `LocalIoError`. */
export async function createTarFile(target: string): Promise<TarFile> {
  const folder = dirname(target)
  const prefix = `.${basename(target)}.inject-`
  await clearDead(folder, prefix)
  const path = join(folder, ownedName(prefix))
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL
  const handle = await open(path, flags, 0o666).catch((error: unknown) => {
    throw localIoError(error, 'write', target)
  })
  let end = 0
  let isOpen = true

  const append = async (bytes: Uint8Array): Promise<void> => {
    await writeWhole(handle, bytes, end).catch((error: unknown) => {
      throw localIoError(error, 'write', target)
    })
    end += bytes.length
  }
  const discard = async (): Promise<void> => {
    if (!isOpen) return
    isOpen = false
    await handle.close().catch(() => undefined)
    // where even that fails, the error that brought us here says more
    await rm(path, {force: true}).catch(() => undefined)
  }
  return {
    path,
    async addFile(name, size, content) {
      const start = end
      try {
        await append(encodeHeader({kind: 'file', path: name, mode: 0o644, size, ...plain}))
        const offset = end
        for await (const chunk of content) await append(chunk)
        if (end - offset !== size) throw new RangeError(`${name} is not of ${size} bytes`)
        await append(Buffer.alloc((blockSize - (size % blockSize)) % blockSize))
        return {offset, size}
      } catch (error) {
        end = start
        throw error
      }
    },
    addFolder: (name) =>
      append(encodeHeader({kind: 'directory', path: name, mode: 0o755, ...plain})),
    async commit() {
      try {
        await append(Buffer.alloc(2 * blockSize))
        // what was taken back may have been longer
        await handle.truncate(end)
        await handle.sync()
        await rename(path, target)
      } catch (error) {
        await discard()
        throw localIoError(error, 'write', target)
      }
      isOpen = false
      await handle.close().catch(() => undefined)
      await syncFolder(folder)
    },
    discard,
  }
}

async function writeWhole(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const {bytesWritten} = await handle.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}
