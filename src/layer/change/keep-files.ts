import {type BigIntStats, closeSync, constants, fstatSync, openSync, readSync} from 'node:fs'
import type {ByteString} from '../byte-string.js'
import type {Entry} from '../entry.js'
import type {RowAt} from '../recording/columns/rows-in.js'
import {isAsRecorded} from '../recording/layer-record.js'
import {fact, factsPerRow, sizesPerRow, stateAt} from '../recording/columns/walk-columns.js'
import {type FileState, stateOf} from '../tree/file-state.js'
import {isSameFile} from '../tree/unchanged-file.js'
import type {Extraction} from '../unpack/entries/extract.js'
import type {TreeRoot} from '../unpack/folders/tree-root.js'

type FileEntry = Entry & {readonly kind: 'file'}

/** The files of a directory that a layer might hold as they are. */
export interface StandingFiles {
  readonly tree: TreeRoot
  /** By their paths in the directory. */
  readonly files: ReadonlyMap<ByteString, RowAt>
  /**
   * The file system's clock, in nanoseconds since the epoch: what is touched from now on has no
   * earlier time.
   */
  readonly before: bigint
}

/** Files that need not be written, with the states that they had when they were compared. */
export type StayingFiles = ReadonlyMap<ByteString, FileState>

interface Keeping extends Extraction {
  readonly stays: StayingFiles
}

const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
const scratch = Buffer.allocUnsafeSlow(64 * 1024)

/**
 * Writes what differs from the files of a directory, and compares the rest: to read a file costs a
 * third of what it costs to write one and move it.
 */
export function keepFiles(extraction: Extraction, {tree, files, before}: StandingFiles): Keeping {
  const stays = new Map<ByteString, FileState>()
  const entries = new Map<ByteString, FileEntry>()
  let current:
    | {readonly entry: FileEntry; readonly descriptor: number; stat: BigIntStats; done: number}
    | undefined

  return {
    ...extraction,
    stays,
    add(entry) {
      if (entry.kind === 'hardlink' && stays.has(entry.target)) write(entry.target)
      if (entry.kind !== 'file' || !compare(entry)) extraction.add(entry)
    },
    write(bytes) {
      let at = 0
      while (current && at < bytes.length) {
        const piece = bytes.subarray(at, at + scratch.length)
        const {descriptor, done} = current
        const found = readSync(descriptor, scratch, 0, piece.length, done)
        if (found < piece.length || !scratch.subarray(0, found).equals(piece)) giveUp()
        else {
          current.done += found
          at += found
        }
      }
      if (at < bytes.length) extraction.write(bytes.subarray(at))
    },
    skip(zeros) {
      if (current) giveUp()
      extraction.skip(zeros)
    },
    endEntry() {
      if (!current) return extraction.endEntry()
      const {entry, stat} = current
      end()
      stays.set(entry.path, stateOf(stat))
      entries.set(entry.path, entry)
      return {path: tree.at(''), stat}
    },
    close() {
      end()
      extraction.close()
    },
  }

  function end(): void {
    if (current) closeSync(current.descriptor)
    current = undefined
  }

  /** Only if the file is what it was, and all but its content is as the layer says. */
  function compare(entry: FileEntry): boolean {
    const row = files.get(entry.path)
    if (!row || !isDescribedBy(entry, row)) return false
    let descriptor: number
    try {
      descriptor = openSync(tree.at(entry.path), flags)
    } catch {
      // it was touched
      return false
    }
    const stat = fstatSync(descriptor, {bigint: true})
    // what was touched in this tick of the clock could change and look the same
    const isSettled = stat.ctimeNs < before
    const isSame = isSameState(stat, stateAt(row.columns.states, row.row + 1))
    if (isSettled && isSame && isAsRecorded(stat, row)) {
      current = {entry, descriptor, stat, done: 0}
      return true
    }
    closeSync(descriptor)
    return false
  }

  /** Writes what was equal until now. */
  function giveUp(): void {
    if (!current) return
    const {entry, descriptor, done} = current
    extraction.add(entry)
    copy(descriptor, done)
    end()
  }

  /** A file that has another name in the layer must be there for it. */
  function write(path: ByteString): void {
    const entry = entries.get(path)
    if (!entry) return
    stays.delete(path)
    const descriptor = openSync(tree.at(path), flags)
    try {
      extraction.add(entry)
      copy(descriptor, entry.size)
      extraction.endEntry()
    } finally {
      closeSync(descriptor)
    }
  }

  function copy(descriptor: number, bytes: number): void {
    for (let at = 0; at < bytes;) {
      const found = readSync(descriptor, scratch, 0, Math.min(scratch.length, bytes - at), at)
      if (found === 0) return
      extraction.write(scratch.subarray(0, found))
      at += found
    }
  }
}

function isDescribedBy(
  {mode, uid, gid, mtime, size, xattrs}: FileEntry,
  {columns: {facts, sizes}, row}: RowAt,
): boolean {
  const at = row * factsPerRow
  return (
    (xattrs === undefined || xattrs.size === 0) &&
    facts.at(at + fact.names) === 0 &&
    facts.at(at + fact.mode) === mode &&
    facts.at(at + fact.uid) === uid &&
    facts.at(at + fact.gid) === gid &&
    sizes.at(row * sizesPerRow) === mtime &&
    sizes.at(row * sizesPerRow + 1) === size
  )
}

/** Whether nothing has happened to a file. */
export function isSameState(one: FileState, other: FileState): boolean {
  return one.ctimeNs === other.ctimeNs && one.nlink === other.nlink && isSameFile(one, other)
}
