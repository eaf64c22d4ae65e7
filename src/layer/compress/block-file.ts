import {createHash} from 'node:crypto'
import {closeSync, constants, fstatSync, openSync, readSync, writeSync} from 'node:fs'
import {blockKeyLength} from './block-cache.js'

/** Where in a file a block is, and what it has to be. */
interface BlockPlace {
  readonly offset: number
  readonly length: number
  /** sha256, latin1. */
  readonly digest: string
}

/** A compressed block, and its sha256 in latin1. */
export interface StoredBlock {
  readonly bytes: Uint8Array
  readonly digest: string
}

/** A file of compressed blocks, open to be read. */
export interface BlockFile {
  /** A block, checked; `undefined` when it is not there, or is not what it was. */
  read(key: string): StoredBlock | undefined
  close(): void
}

// key, offset (6 bytes), length (4), sha256
const entryLength = blockKeyLength + 6 + 4 + 32
/** Version, number of entries, sha256 of the index before it. */
const footerLength = 8 + 4 + 32
const version = 'injblk2\n'
const mostEntries = 4_000_000

/**
 * Opens a file that `createBlockFile` wrote: blocks one after the other, then their index, then a
 * footer. `undefined` for what is not such a file, or not this user's: it is a cache, and nothing
 * is lost with it.
 */
export function openBlockFile(path: string): BlockFile | undefined {
  let descriptor: number
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch {
    return undefined
  }
  const places = readIndex(descriptor)
  if (!places) {
    closeSync(descriptor)
    return undefined
  }
  return {
    read(key) {
      const place = places.get(key)
      const bytes = place && readAt(descriptor, place.offset, place.length)
      if (bytes && sha256(bytes) === place.digest) return {bytes, digest: place.digest}
      places.delete(key)
      return undefined
    },
    close: () => closeSync(descriptor),
  }
}

/**
 * Writes blocks into an open, empty file; `finish` puts the index after them. Throws what the
 * system throws.
 */
export function createBlockFile(descriptor: number) {
  const entries: Buffer[] = []
  const known = new Set<string>()
  let offset = 0
  const append = (bytes: Uint8Array): void => {
    for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at)
    offset += bytes.length
  }
  return {
    /** `digest`: its sha256 in latin1, where that is known. */
    add(key: string, bytes: Uint8Array, digest = sha256(bytes)): void {
      if (known.has(key) || entries.length === mostEntries) return
      known.add(key)
      const entry = Buffer.alloc(entryLength)
      let at = entry.write(key, 'latin1')
      at = entry.writeUIntLE(offset, at, 6)
      at = entry.writeUInt32LE(bytes.length, at)
      entry.write(digest, at, 'latin1')
      append(bytes)
      entries.push(entry)
    },
    finish(): void {
      const index = Buffer.concat(entries)
      const footer = Buffer.alloc(footerLength)
      footer.write(version, 'latin1')
      footer.writeUInt32LE(entries.length, version.length)
      footer.write(sha256(index), version.length + 4, 'latin1')
      append(index)
      append(footer)
    },
  }
}

function readIndex(descriptor: number): Map<string, BlockPlace> | undefined {
  const stat = fstatSync(descriptor)
  if (!stat.isFile() || stat.uid !== process.geteuid?.() || (stat.mode & 0o022) !== 0)
    return undefined
  const footer = readAt(descriptor, stat.size - footerLength, footerLength)
  if (footer?.toString('latin1', 0, version.length) !== version) return undefined
  const count = footer.readUInt32LE(version.length)
  const start = stat.size - footerLength - count * entryLength
  if (count > mostEntries || start < 0) return undefined
  const index = readAt(descriptor, start, count * entryLength)
  if (!index || sha256(index) !== footer.toString('latin1', version.length + 4)) return undefined
  const places = new Map<string, BlockPlace>()
  for (let at = 0; at < index.length; at += entryLength) {
    const rest = at + blockKeyLength
    const place = {
      offset: index.readUIntLE(rest, 6),
      length: index.readUInt32LE(rest + 6),
      digest: index.toString('latin1', rest + 10, at + entryLength),
    }
    if (place.offset + place.length <= start) places.set(index.toString('latin1', at, rest), place)
  }
  return places
}

function readAt(descriptor: number, offset: number, length: number): Buffer | undefined {
  if (offset < 0) return undefined
  const bytes = Buffer.allocUnsafeSlow(length)
  try {
    for (let at = 0; at < length;) {
      const got = readSync(descriptor, bytes, at, length - at, offset + at)
      if (got === 0) return undefined
      at += got
    }
    return bytes
  } catch {
    return undefined
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('binary')
}
