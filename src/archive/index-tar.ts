import type {FileHandle} from 'node:fs/promises'
import {posix} from 'node:path'
import {LimitError} from '../errors.js'
import {display} from '../layer/byte-string.js'
import {blockSize, decodeHeader, isZero, type TarHeader} from '../layer/decode-header.js'
import {describeEntry, type Extensions} from '../layer/describe-entry.js'
import {createGlobals} from '../layer/global-headers.js'
import type {Entry} from '../layer/entry.js'
import {parsePaxRecords} from '../layer/pax-records.js'
import {longestExtendedHeader} from '../layer/unpack-limits.js'
import {archiveInvalid, asArchiveError} from './archive-invalid.js'

/** Where the content of a file in a tar is. */
export interface Member {
  readonly offset: number
  readonly size: number
}

/** An image has a few hundred files at most. */
const mostEntries = 100_000
/** What may follow the end: archivers fill up to blocks of their tape. */
const mostPadding = 1024 * 1024

/**
 * Finds the files of a tar without reading what is in them, by name, without a `./` before it. A link is followed once, and inside the archive only. Throws
 * `IntegrityError` (`ERR_INJECT_ARCHIVE_INVALID`) for one that is cut off, that has a name twice, names that lead out of it, or things that are no files, and
 * `LimitError` (`ERR_INJECT_ARCHIVE_TOO_LARGE`) for more than 100,000 entries.
 */
export async function indexTar(
  file: Pick<FileHandle, 'read' | 'stat'>,
  name: string,
): Promise<ReadonlyMap<string, Member>> {
  const members = new Map<string, Member>()
  const links = new Map<string, string>()
  const {size: total} = await file.stat()
  try {
    let count = 0
    for await (const {entry, offset} of entriesOf(file, total, name)) {
      if (++count > mostEntries) throw tooMany(name)
      const path = safePath(entry, name)
      if (path === undefined) continue
      if (members.has(path) || links.has(path))
        throw archiveInvalid(name, `it has two entries called ${display(path)}`)
      if (entry.kind === 'file') members.set(path, {offset, size: entry.size})
      else links.set(path, targetOf(entry, path, name))
    }
  } catch (error) {
    throw asArchiveError(error, name)
  }
  for (const [path, target] of links) {
    const member = members.get(target)
    // a link to nothing, or to another link, is as good as no entry
    if (member && !links.has(target)) members.set(path, member)
  }
  return members
}

async function* entriesOf(
  file: Pick<FileHandle, 'read'>,
  total: number,
  name: string,
): AsyncGenerator<{entry: Entry; offset: number}, void, undefined> {
  const globals = createGlobals()
  let extensions: Extensions = {}
  const read = async (at: number, length: number): Promise<Buffer> => {
    if (at + length > total) throw archiveInvalid(name, 'it is cut off')
    const {bytesRead, buffer} = await file.read(Buffer.alloc(length), 0, length, at)
    if (bytesRead < length) throw archiveInvalid(name, 'it is cut off')
    return buffer
  }
  for (let at = 0; ;) {
    const header = decodeHeader(await read(at, blockSize), 0)
    at += blockSize
    if (!header) {
      if (extensions.type !== undefined)
        throw archiveInvalid(name, 'an extended header has no entry')
      return checkEnd(read, at, total, name)
    }
    if (/[xgLK]/.test(header.type)) {
      if (header.size > longestExtendedHeader)
        throw archiveInvalid(name, `it has an extended header of ${header.size} bytes`)
      const body = await read(at, header.size)
      if (header.type === 'g') globals.take(parsePaxRecords(body))
      else extensions = extended(extensions, header, body, name)
      at += padded(header.size)
      continue
    }
    const entry = describeEntry(header, extensions, globals)
    extensions = {}
    const size = entry.kind === 'file' ? entry.size : 0
    if (at + size > total) throw archiveInvalid(name, `${display(entry.path)} is cut off`)
    yield {entry, offset: at}
    at += padded(size)
  }
}

function extended(before: Extensions, {type}: TarHeader, body: Buffer, name: string): Extensions {
  const member = type === 'x' ? 'pax' : type === 'L' ? 'longName' : 'longLink'
  if (before[member] !== undefined)
    throw archiveInvalid(name, 'an extended header follows another one of its kind')
  if (type === 'x') return {...before, type, pax: parsePaxRecords(body)}
  const end = body.indexOf(0)
  return {...before, type, [member]: body.toString('latin1', 0, end < 0 ? body.length : end)}
}

async function checkEnd(
  read: (at: number, length: number) => Promise<Buffer>,
  at: number,
  total: number,
  name: string,
): Promise<void> {
  if (total - at < blockSize) throw archiveInvalid(name, 'it has no end marker')
  const rest = await read(at, Math.min(total - at, mostPadding))
  if (total - at > mostPadding || !isZero(rest, 0, rest.length))
    throw archiveInvalid(name, 'something follows its end')
}

function padded(size: number): number {
  return Math.ceil(size / blockSize) * blockSize
}

/** `undefined` for a directory: files say where they are. */
function safePath(entry: Entry, name: string): string | undefined {
  const path = entry.path.replace(/^(?:\.\/+)+/, '')
  if (entry.kind === 'directory') return undefined
  if (!['file', 'symlink', 'hardlink'].includes(entry.kind))
    throw archiveInvalid(name, `${display(entry.path)} is no file`)
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
