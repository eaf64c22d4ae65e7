import {open, realpath, stat} from 'node:fs/promises'
import {clearDead} from '../disk/owned-name.js'
import {localIoError} from '../disk/local-io-error.js'
import {writeTempFile} from '../disk/temp-file.js'
import {NotFoundError} from '../errors.js'
import {decompress} from '../layer/decompress/decompress.js'
import {detectCompression} from '../layer/decompress/detect-compression.js'
import {unpackLimits} from '../layer/limits.js'
import {type LayerCompression, ociLayer} from '../oci/media-type.js'
import {quoted} from '../oci/quoted.js'
import type {ByteStream} from '../store/content-store.js'
import type {BlobInFile} from '../store/file-ranges.js'
import {isAbsent} from '../disk/error-answers.js'
import {readFileStream} from '../disk/read-file.js'
import {abortable, streamOf} from '../stream/bytes.js'
import {readAll} from '../stream/limit.js'
import {archiveInvalid, asArchiveError} from './archive-invalid.js'
import {indexTar, type Member} from './index-tar.js'

/** Bytes that tell how a file is compressed. */
const longestMagic = 10

/** What all names of unpacked archives start with. */
const prefix = 'inject-archive-'

/** The files in a tar, read in their places. */
export interface Archive {
  /** As the user knows it. */
  readonly name: string
  stat(path: string): Member | undefined
  /** Part of the file that the archive is. */
  open(member: Member): ByteStream
  /** Where that part is. */
  placeOf(member: Member): BlobInFile
  /**
   * A small file; `undefined` when there is none. Throws `LimitError` when it is larger than
   * `limit`.
   */
  read(path: string, limit: number): Promise<Uint8Array | undefined>
  close(): Promise<void>
}

export interface ReadArchiveOptions {
  readonly signal?: AbortSignal | undefined
  /** Where one is unpacked to that is compressed; `close` removes it. */
  readonly temporary: string
}

/**
 * Opens a tar file and finds what is in it. A compressed one (gzip, zstd) is unpacked first, since
 * nothing can be found in it otherwise. Throws `NotFoundError` (`ERR_INJECT_ARCHIVE_NOT_FOUND`),
 * what `indexTar` throws, and `LimitError` for one that unpacks to more than 1,000 times its size.
 */
export async function readArchive(
  file: string,
  name: string,
  {signal, temporary}: ReadArchiveOptions,
): Promise<Archive> {
  const path = await real(file, name)
  const compression = await archiveCompression(path, name)
  const spool = compression === 'none' ? undefined : await unpack(path, name, temporary, signal)
  const place = spool?.path ?? path
  try {
    const members = await find(place, name)
    const openMember = ({offset, size}: Member): ByteStream =>
      readFileStream(place, {first: offset, end: offset + size})
    return {
      name,
      stat: (each) => members.get(each),
      open: openMember,
      placeOf: ({offset}) => ({path: place, offset}),
      async read(each, limit) {
        const member = members.get(each)
        return member && readAll(openMember(member), limit, `${each} in ${name}`)
      },
      close: async () => spool?.discard(),
    }
  } catch (error) {
    await spool?.discard()
    throw error
  }
}

async function find(path: string, name: string): Promise<ReadonlyMap<string, Member>> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw localIoError(error, 'read', path)
  })
  try {
    return await indexTar(handle, name)
  } finally {
    await handle.close()
  }
}

async function unpack(
  path: string,
  name: string,
  temporary: string,
  signal: AbortSignal | undefined,
) {
  await clearDead(temporary, prefix)
  const tar = decompress(abortable(readFileStream(path), signal), ociLayer, unpackLimits)
  try {
    return await writeTempFile(tar, {folder: temporary, prefix, mode: 0o600})
  } catch (error) {
    throw asArchiveError(error, name)
  }
}

/** The file itself, where a link leads to it: what is read must not be another one later. */
async function real(file: string, name: string): Promise<string> {
  try {
    const path = await realpath(file)
    if (!(await stat(path)).isDirectory()) return path
  } catch (error) {
    if (!isAbsent(error)) throw localIoError(error, 'read', file)
    throw new NotFoundError('ERR_INJECT_ARCHIVE_NOT_FOUND', `there is no ${quoted(file)}`, {
      hint: `check the name in ${name}`,
    })
  }
  throw archiveInvalid(name, 'it is a directory', {hint: `a layout is a directory: oci:${file}`})
}

async function archiveCompression(path: string, name: string): Promise<LayerCompression> {
  const {size} = await stat(path)
  if (size === 0) throw archiveInvalid(name, 'the file is empty')
  const end = Math.min(size, longestMagic)
  const start = await readAll(readFileStream(path, {end}), longestMagic, name)
  const hex = Buffer.from(start).toString('hex')
  const other = hex.startsWith('fd377a585a00') ? 'xz' : /^425a683[1-9]31/.test(hex) ? 'bzip2' : ''
  if (other === '') return compressionOf(streamOf(start.subarray(0, 4)))
  throw archiveInvalid(name, `it is compressed with ${other}: decompress it first`)
}

/** Of content by its first four bytes, which are all that `start` may hold. */
export async function compressionOf(start: ByteStream): Promise<LayerCompression> {
  const bytes = await readAll(start, 4, 'the start of an archive')
  return (await detectCompression(streamOf(bytes))).compression
}
