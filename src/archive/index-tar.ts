import type {FileHandle} from 'node:fs/promises'
import {posix} from 'node:path'
import {LimitError} from '../errors.js'
import {display} from '../layer/byte-string.js'
import type {Entry} from '../layer/entry.js'
import {createTarReader, type TarReader} from '../layer/tar/reader.js'
import type {TarHandler} from '../layer/tar/tar-handler.js'
import {trackEntries} from '../layer/tar/track-entries.js'
import {archiveInvalid, asArchiveError} from './archive-invalid.js'
import {refuseOtherReading} from './second-reader.js'

/** Where the content of a file in a tar is. */
export interface Member {
  readonly offset: number
  readonly size: number
}

/** An image has a few hundred files at most. */
const mostEntries = 100_000
/** What may follow the end: archivers fill up to blocks of their tape. */
const mostPadding = 1024 * 1024
/** What is read at once: many headers of small files, or one of a large one. */
const pieceSize = 64 * 1024

/**
 * Finds the files of a tar without reading what is in large ones, by name, without a `./` before
 * it. A link is followed once, and inside the archive only. Throws `IntegrityError`
 * (`ERR_INJECT_ARCHIVE_INVALID`) for one that is cut off, that has a name twice, names that lead
 * out of it, or things that are not files, and `LimitError` (`ERR_INJECT_ARCHIVE_TOO_LARGE`) for
 * more than 100,000 entries.
 */
export async function indexTar(
  file: Pick<FileHandle, 'read' | 'stat'>,
  name: string,
): Promise<ReadonlyMap<string, Member>> {
  const members = new Map<string, Member>()
  const links = new Map<string, string>()
  const handler: TarHandler = {
    header: refuseOtherReading,
    entry(entry, offset) {
      const path = safePath(entry, name)
      if (path === undefined) return
      if (members.has(path) || links.has(path))
        throw archiveInvalid(name, `it has two entries called ${display(path)}`)
      if (entry.kind === 'file') members.set(path, {offset, size: entry.size})
      else links.set(path, targetOf(entry, path, name))
    },
    data: nothing,
    entryEnd: nothing,
  }
  const tracked = trackEntries(handler)
  try {
    await readHeaders(file, createTarReader(tracked.handler, {entries: mostEntries}), name)
  } catch (error) {
    throw ownError(error, name, tracked.at())
  }
  for (const [path, target] of links) {
    const member = members.get(target)
    // a link to nothing, or to another link, is as good as no entry
    if (member && !links.has(target)) members.set(path, member)
  }
  return members
}

async function readHeaders(
  file: Pick<FileHandle, 'read' | 'stat'>,
  reader: TarReader,
  name: string,
): Promise<void> {
  const {size: total} = await file.stat()
  if (total === 0) throw archiveInvalid(name, 'it is empty')
  const buffer = Buffer.alloc(pieceSize)
  for (let at = 0; at < total;) {
    if (reader.isEnded() && total - at > mostPadding)
      throw archiveInvalid(name, 'something follows the end of the archive')
    const length = Math.min(pieceSize, total - at)
    const {bytesRead} = await file.read(buffer, 0, length, at)
    if (bytesRead === 0) throw archiveInvalid(name, 'it is cut off')
    reader.write(buffer.subarray(0, bytesRead))
    at += bytesRead
    // of an entry its padding comes after its content
    at += reader.skip(total - at)
    at += reader.skip(total - at)
  }
  reader.end()
}

function nothing(): void {
  // what is in files is read when it is wanted
}

/** What the reader throws speaks of layers. */
function ownError(error: unknown, name: string, at: string | undefined): unknown {
  if (!(error instanceof LimitError)) return asArchiveError(error, name, at)
  switch (error.code) {
    case 'ERR_INJECT_TOO_MANY_ENTRIES':
      return tooMany(name)
    case 'ERR_INJECT_EXTENDED_HEADER_TOO_LARGE':
      return archiveInvalid(name, error.message.replace(/^the layer has/, 'it has'), {cause: error})
    default:
      return error
  }
}

/** `undefined` for a directory: files say where they are. */
function safePath(entry: Entry, name: string): string | undefined {
  const path = entry.path.replace(/^(?:\.\/+)+/, '')
  if (entry.kind === 'directory') return undefined
  if (!['file', 'symlink', 'hardlink'].includes(entry.kind))
    throw archiveInvalid(name, `${display(entry.path)} is not a file`)
  const isSafe = path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  if (isSafe && !path.includes('\0')) return path
  throw archiveInvalid(name, `it has an entry called ${display(entry.path)}`)
}

function targetOf(entry: Entry, path: string, name: string): string {
  const target = 'target' in entry ? entry.target : ''
  const from = entry.kind === 'symlink' ? posix.dirname(path) : '.'
  const found = posix.normalize(`${from}/${target}`)
  if (!target.startsWith('/') && !found.startsWith('..')) return found
  throw archiveInvalid(name, `${display(entry.path)} is a link that leads out of it`)
}

function tooMany(name: string): LimitError {
  return new LimitError(
    'ERR_INJECT_ARCHIVE_TOO_LARGE',
    `${name} has more than ${mostEntries} entries`,
    {expected: mostEntries},
  )
}
