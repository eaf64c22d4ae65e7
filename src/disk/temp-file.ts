import {constants, openSync, unlinkSync} from 'node:fs'
import {type FileHandle, open, rename, rm} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {quietly} from './error-answers.js'
import {createDigester, type Digest, type DigestAlgorithm} from '../oci/digest.js'
import {tap} from '../stream/bytes.js'
import {writeBehind} from '../stream/write-behind.js'
import {errnoOf, localIoError} from './local-io-error.js'
import {ownedName} from './owned-name.js'

export interface TempFileOptions {
  /** Where it is written: on the file system that it will be moved within. */
  readonly folder: string
  /** What the temporary name starts with, for `clearDead`. */
  readonly prefix: string
  /** Permissions, whatever the umask says; the system's default without. */
  readonly mode?: number | undefined
  readonly algorithm?: DigestAlgorithm | undefined
  /**
   * The digest that the stream has if it comes to its end: anyone who made it checks that, so it is
   * not hashed here again.
   */
  readonly known?: Digest | undefined
}

/**
 * A file of this process's own that has no lasting name yet. Its owner calls `commit` or `discard`;
 * calling `discard` after either does nothing.
 */
export interface OpenTempFile {
  readonly path: string
  readonly handle: FileHandle
  /**
   * Makes the bytes durable, then the name: after a crash `target` is what it was before, or all of
   * this. `check` looks at what is replaced, right before.
   */
  readonly commit: (target: string, check?: () => Promise<void>) => Promise<void>
  readonly discard: () => Promise<void>
}

/** One that is written. */
export interface TempFile extends Omit<OpenTempFile, 'handle'> {
  readonly size: number
  readonly digest: Digest
}

/**
 * Makes an empty file under a name that nothing has yet: one of `ownedName`. Throws what the system
 * says.
 */
export async function openTempFile(path: string): Promise<OpenTempFile> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL
  const handle = await open(path, flags, 0o666)
  let isOpen = true
  const discard = async (): Promise<void> => {
    if (!isOpen) return
    isOpen = false
    await quietly(handle.close())
    // where even that fails, the error that brought us here says more
    await quietly(rm(path, {force: true}))
  }
  return {
    path,
    handle,
    discard,
    async commit(target, check) {
      try {
        await handle.sync()
        await check?.()
        await rename(path, target)
      } catch (error) {
        await discard()
        throw localIoError(error, 'write', target)
      }
      isOpen = false
      await quietly(handle.close())
      await syncFolder(dirname(target))
    },
  }
}

/**
 * Writes a stream into a new file of this process's own, in constant memory; a chunk must stay what
 * it is until it is written. When anything fails, nothing is left.
 */
export async function writeTempFile(
  stream: AsyncIterable<Uint8Array>,
  {folder, prefix, mode, algorithm, known}: TempFileOptions,
): Promise<TempFile> {
  const path = join(folder, ownedName(prefix))
  const {handle, commit, discard} = await openTempFile(path).catch((error: unknown) => {
    throw localIoError(error, 'create', path)
  })
  try {
    if (mode !== undefined) await setMode(handle, mode, path)
    return {path, ...(await fill(handle, path, stream, {algorithm, known})), commit, discard}
  } catch (error) {
    await discard()
    throw error
  }
}

/** A file without a name, for this process only: its descriptor. Throws `LocalIoError`. */
export function openNameless(folder: string): number {
  const path = join(folder, ownedName('inject-'))
  try {
    const descriptor = openSync(path, 'wx+', 0o600)
    unlinkSync(path)
    return descriptor
  } catch (error) {
    throw localIoError(error, 'create', path)
  }
}

/** Makes the names in a folder durable. File systems that know no such thing are left alone. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, constants.O_RDONLY)
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (['EINVAL', 'ENOTSUP', 'EISDIR', 'EPERM'].includes(errnoOf(error) ?? '')) return
    throw localIoError(error, 'write', folder)
  }
}

async function fill(
  handle: FileHandle,
  path: string,
  stream: AsyncIterable<Uint8Array>,
  {algorithm, known}: Pick<TempFileOptions, 'algorithm' | 'known'>,
): Promise<{size: number; digest: Digest}> {
  const digester =
    known === undefined ? createDigester(algorithm) : {update() {}, digest: () => known}
  let size = 0
  const hashed = tap(stream, (chunk) => {
    digester.update(chunk)
    size += chunk.length
  })
  await writeBehind(hashed, (chunks) =>
    writeWhole(handle, chunks).catch((error: unknown) => {
      throw localIoError(error, 'write', path)
    }),
  )
  return {size, digest: digester.digest()}
}

async function setMode(handle: FileHandle, mode: number, path: string): Promise<void> {
  try {
    await handle.chmod(mode)
  } catch (error) {
    // file systems without permissions of their own
    if (['EPERM', 'ENOTSUP', 'ENOSYS'].includes(errnoOf(error) ?? '')) return
    throw localIoError(error, 'set the permissions of', path)
  }
}
/**
 * Writes all of the chunks, at `position` or where the file's last write ended. Throws what the
 * system says, also when it takes a part only.
 */
export async function writeWhole(
  handle: FileHandle,
  chunks: readonly Uint8Array[],
  position: number | null = null,
): Promise<void> {
  const size = chunks.reduce((sum, {length}) => sum + length, 0)
  const {bytesWritten} = await handle.writev(chunks, position ?? undefined)
  if (bytesWritten === size) return
  // a disk that is full takes a part, and says why when it is asked for the rest
  const rest = Buffer.concat(chunks).subarray(bytesWritten)
  for (let done = 0; done < rest.length;) {
    const at = position === null ? null : position + bytesWritten + done
    done += (await handle.write(rest, done, rest.length - done, at)).bytesWritten
  }
}
