import {quietly} from '../../../disk/error-answers.js'
import {IntegrityError} from '../../../errors.js'
import type {Digest} from '../../../oci/digest.js'
import {abortable} from '../../../stream/bytes.js'
import {verified} from '../../../stream/verify.js'
import {inspectFile, type FileCondition} from '../../layout/sound-file.js'
import {blobNotFound} from '../../store-errors.js'
import type {ByteStream} from '../../content-store.js'
import type {BlobInfo} from '../../../oci/descriptor.js'
import {readFileStream, statFile} from '../../../disk/read-file.js'
import type {ReadOptions} from '../../repository.js'
import {type SoundFiles, stampOf} from './sound-files.js'

export interface BlobFile {
  readonly blob: BlobInfo
  readonly path: string
  /** The repository's name, for messages. */
  readonly name: string
  readonly sound: SoundFiles
  /**
   * Called when the bytes are not those of the blob, before the reader is told. Its own failure is
   * of no account beside that.
   */
  readonly onDamage: () => Promise<void>
}

/**
 * Opens a blob's file. The stream fails before its end when the bytes are not those of the blob:
 * they are hashed, or, where the file is known to be right, it is only looked at whether it still
 * is. Throws `NotFoundError`.
 */
export async function openBlobFile(
  file: BlobFile,
  {signal, recycle, chunkSize}: ReadOptions,
): Promise<ByteStream> {
  const {blob, path, name, sound} = file
  const before = await statFile(path)
  if (before === undefined) throw blobNotFound(blob.digest, name)
  if (before.size === blob.size && sound.has(blob.digest, before)) {
    const content = readFileStream(path, {end: blob.size, recycle, chunkSize})
    return trusted(abortable(content, signal), file)
  }
  const confirm = sound.watch(blob.digest, before)
  const bytes = verified(
    abortable(readFileStream(path, {chunkSize}), signal),
    blob,
    `blob ${blob.digest} of ${name}`,
  )
  return hashed(bytes, file, async () => {
    const after = await statFile(path)
    if (after !== undefined) confirm(after)
  })
}

async function* trusted(
  stream: ByteStream,
  file: BlobFile,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* stream
    await checkUnchanged(file)
  } catch (error) {
    await noteDamage(error, file)
    throw error
  }
}

/**
 * The last bytes are handed on when all are known to be right, so that a client which only counts
 * them notices, too.
 */
async function* hashed(
  stream: ByteStream,
  file: BlobFile,
  onSound: () => Promise<void>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let held: Uint8Array | undefined
  try {
    for await (const chunk of stream) {
      if (held !== undefined) yield held
      held = chunk
    }
    await onSound()
  } catch (error) {
    await noteDamage(error, file)
    throw error
  }
  if (held !== undefined) yield held
}

/**
 * That a file was touched while it was read, by a link or a lease, says nothing yet: it is read
 * once more, once for all who wait for that.
 */
async function checkUnchanged({blob, path, name, sound}: BlobFile): Promise<void> {
  const state = await statFile(path)
  // what was deleted meanwhile was read to its end
  if (state === undefined || sound.has(blob.digest, state)) return
  const confirm = sound.watch(blob.digest, state)
  const key = `${stampOf(state)} ${path}`
  const check = checks.get(key) ?? inspectFile(path, blob).finally(() => checks.delete(key))
  checks.set(key, check)
  const condition = await check
  if (condition === 'absent') return
  if (condition === 'damaged') throw changed(blob.digest, name)
  const after = await statFile(path)
  if (after !== undefined) confirm(after)
}

/** Those that run, by the file and its state. */
const checks = new Map<string, Promise<FileCondition>>()

async function noteDamage(error: unknown, {onDamage}: BlobFile): Promise<void> {
  if (error instanceof IntegrityError) await quietly(onDamage())
}

function changed(digest: Digest, name: string): IntegrityError {
  const message = `blob ${digest} of ${name} was changed by somebody while it was read`
  return new IntegrityError('ERR_INJECT_DIGEST_MISMATCH', message, {expected: digest})
}
