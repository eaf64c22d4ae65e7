import {closeSync, constants, fstatSync, ftruncateSync, openSync} from 'node:fs'
import {writeAll} from '../../disk/write-all.js'
import {readWhole} from './block-access.js'
import {type BlockEntry, encodeEntry, entryLength, sha256} from './block-entry.js'

/** A file of compressed blocks, open to be read. */
export interface BlockFile {
  readonly descriptor: number
  /** An entry for each block, sorted by key, in memory that threads share. */
  readonly index: Buffer
  /** Bytes of the file that its header speaks for: what is behind them was not finished. */
  readonly end: number
  readonly header: Buffer
  close(): void
}

/**
 * Bytes before the first block: version, where the index is (6 bytes), its number of entries (4)
 * and its sha256.
 */
export const headerLength = 50
const version = 'injblk3\n'
const mostEntries = 4_000_000
const copied = 1024 * 1024

/**
 * Opens a file of blocks: a header, and then blocks and their index. `undefined` for what is not
 * such a file, or not this user's alone: it is a cache, and nothing is lost with it.
 */
export function openBlockFile(path: string, flags = constants.O_RDONLY): BlockFile | undefined {
  let descriptor: number
  try {
    descriptor = openSync(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch {
    return undefined
  }
  const read = readIndex(descriptor)
  if (read) return {...read, descriptor, close: () => closeSync(descriptor)}
  closeSync(descriptor)
  return undefined
}

function readIndex(descriptor: number): Pick<BlockFile, 'index' | 'end' | 'header'> | undefined {
  const stat = fstatSync(descriptor)
  if (!stat.isFile() || stat.uid !== process.geteuid?.() || (stat.mode & 0o022) !== 0)
    return undefined
  const header = Buffer.alloc(headerLength)
  if (!readWhole(descriptor, header, 0) || header.toString('latin1', 0, 8) !== version)
    return undefined
  const start = header.readUIntLE(8, 6)
  const count = header.readUInt32LE(14)
  const end = start + count * entryLength
  if (count > mostEntries || end > stat.size) return undefined
  const index = Buffer.from(new SharedArrayBuffer(count * entryLength))
  if (!readWhole(descriptor, index, start)) return undefined
  return sha256(index).equals(header.subarray(18)) ? {index, end, header} : undefined
}

/** Whether no other run has added to the file since it was opened. */
export function isAsOpened({descriptor, header}: BlockFile): boolean {
  const now = Buffer.alloc(headerLength)
  return readWhole(descriptor, now, 0) && now.equals(header)
}

/**
 * Makes these the blocks of an open file: writes their index at `start`, where the file ends from
 * then on but for the index, and then the header, so that a run that is killed leaves the blocks of
 * the one before. Throws what the system throws.
 */
export function writeIndex(
  descriptor: number,
  start: number,
  entries: readonly BlockEntry[],
): void {
  const sorted = entries.toSorted((a, b) => Buffer.compare(a.key, b.key)).slice(0, mostEntries)
  const index = Buffer.concat(sorted.map(encodeEntry))
  const header = Buffer.alloc(headerLength)
  header.write(version, 'latin1')
  header.writeUIntLE(start, 8, 6)
  header.writeUInt32LE(sorted.length, 14)
  sha256(index).copy(header, 18)
  writeAll(descriptor, index, start)
  ftruncateSync(descriptor, start + index.length)
  writeAll(descriptor, header, 0)
}

interface FilePart {
  readonly from: number
  readonly offset: number
  readonly length: number
}

/** Copies a part of a file into another. Throws what the system throws, and if it is not there. */
export function copyBytes({from, offset, length}: FilePart, to: number, at: number): void {
  const buffer = Buffer.allocUnsafeSlow(Math.min(copied, length))
  for (let done = 0; done < length; done += buffer.length) {
    const part = buffer.subarray(0, length - done)
    if (!readWhole(from, part, offset + done)) throw new Error('a file of blocks lacks bytes')
    writeAll(to, part, at + done)
  }
}
