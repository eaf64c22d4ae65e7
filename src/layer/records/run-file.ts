import {closeSync, readSync} from 'node:fs'
import {localIoError} from '../../disk/local-io-error.js'
import {openNameless} from '../../disk/temp-file.js'
import {writeAll} from '../../disk/write-all.js'
import {decodeRecord, encodeRecords, lengthOfRecord} from './encode-record.js'
import type {ContentRecord} from './record.js'

/** The place of sorted records in the file. */
export interface Run {
  readonly start: number
  readonly end: number
}

/** Sorted records on disk, one run after the other. */
export interface RunFile {
  write(records: Iterable<ContentRecord>): Run
  /** The records of a run, read piece by piece. */
  read(run: Run): Iterable<ContentRecord>
  /** The total size in bytes. */
  size(): number
  close(): void
}

const pieceSize = 64 * 1024

/**
 * A new file in `folder`. Its name is removed at once, so nothing is left after the process ends.
 * Throws `LocalIoError`.
 */
export function createRunFile(folder: string): RunFile {
  const descriptor = openNameless(folder)
  let size = 0

  return {
    write(records) {
      const start = size
      let part: ContentRecord[] = []
      for (const record of records) {
        part.push(record)
        if (part.length < 256) continue
        append(encodeRecords(part))
        part = []
      }
      append(encodeRecords(part))
      return {start, end: size}
    },
    *read({start, end}) {
      let bytes: Buffer = Buffer.alloc(0)
      for (let position = start; position < end;) {
        const piece = readAt(position, Math.min(pieceSize, end - position))
        position += piece.length
        bytes = bytes.length === 0 ? piece : Buffer.concat([bytes, piece])
        let at = 0
        for (let length = lengthOfRecord(bytes, at); isWhole(bytes, at, length);) {
          yield decodeRecord(bytes, at)
          at += length ?? 0
          length = lengthOfRecord(bytes, at)
        }
        bytes = bytes.subarray(at)
      }
    },
    size: () => size,
    close: () => closeSync(descriptor),
  }

  function append(bytes: Buffer): void {
    try {
      writeAll(descriptor, bytes, size)
      size += bytes.length
    } catch (error) {
      throw localIoError(error, 'write a temporary file in', folder)
    }
  }

  function readAt(position: number, length: number): Buffer {
    const piece = Buffer.allocUnsafe(length)
    try {
      const read = readSync(descriptor, piece, 0, length, position)
      if (read === 0) throw new Error('it became shorter')
      return piece.subarray(0, read)
    } catch (error) {
      throw localIoError(error, 'read a temporary file in', folder)
    }
  }
}

function isWhole(bytes: Buffer, at: number, length: number | undefined): boolean {
  return length !== undefined && bytes.length - at >= length
}
