import type {EntryMetadata} from '../entry.js'
import type {HeldRows, WalkedEntry} from '../tree/walked-entry.js'
import {asBuffer, RowReader, type RowText, RowWriter} from './rows/packed-rows.js'
import {createRowPieces, type RowPieces} from './rows/row-pieces.js'
import {number, RowNumbers} from './rows/row-numbers.js'
import {kindNumber, kinds, odd} from './columns/walk-columns.js'

/** The most bytes that entries of one layer take in rows. */
export const mostHeld = 4 * 1024 * 1024
/** Entries that rows cannot hold: devices, attributes, content in memory. */
const mostOdd = 1024
const headerLength = 512

/**
 * Entries of one layer, as `metadata` and `states` give them, in rows of some fifty bytes. As
 * objects they would grow old while their layer is packed, and a garbage collector leaves those
 * where they are for long.
 */
export interface HeldEntries {
  /** `false` if there are too many now. */
  add(walked: WalkedEntry): boolean
  /**
   * The same for a directory, symbolic link, hard link, or file of which the target is what the
   * kernel is told.
   */
  addRow(row: RowText, numbers: RowNumbers): boolean
  /** Those until now; without the other names and the states of what is not a file. */
  rows(): HeldRows
}

/** Without entries; rows are in memory of `pieces`. */
export function holdEntries(pieces: RowPieces = createRowPieces()): HeldEntries {
  const writer = new RowWriter((least) => pieces.take(least))
  const numbers = new RowNumbers()
  const oddOnes: WalkedEntry[] = []
  let tarBytes = 0
  let newestMtime = -Infinity

  return {
    add(walked) {
      const {entry, file} = walked
      if (entry.mtime > newestMtime) newestMtime = entry.mtime
      tarBytes += headerLength + (file && entry.kind === 'file' ? entry.size : 0)
      if (isPlain(walked)) addPlain(walked)
      else {
        writer.push({kind: odd, isBytes: false, path: '', target: ''}, numbers)
        oddOnes.push(walked)
      }
      return hasRoom()
    },
    addRow(row, own) {
      newestMtime = Math.max(newestMtime, own.at(number.mtime))
      tarBytes += headerLength + own.at(number.content)
      writer.push(row, own)
      return hasRoom()
    },
    rows: () => ({...writer.rows(), oddOnes, tarBytes, newestMtime}),
  }

  function hasRoom(): boolean {
    return writer.bytes <= mostHeld && oddOnes.length <= mostOdd
  }

  function addPlain({entry, file}: WalkedEntry): void {
    const {kind, path, mode, uid, gid, mtime} = entry
    if (file) numbers.putState(file.stat)
    numbers.put(number.mode, mode)
    numbers.put(number.uid, uid)
    numbers.put(number.gid, gid)
    numbers.put(number.mtime, mtime)
    numbers.put(number.content, kind === 'file' ? entry.size : 0)
    const isBytes = typeof file?.path === 'object'
    // a file has no target: what the kernel is told has its place
    const access = typeof file?.path === 'object' ? file.path.toString('latin1') : file?.path
    const target = 'target' in entry ? entry.target : (access ?? '')
    writer.push({kind: kindNumber(kind), isBytes, path, target}, numbers)
  }
}

function isPlain({entry, file, content}: WalkedEntry): boolean {
  const {kind, xattrs} = entry
  if (content || xattrs !== undefined || kindNumber(kind) < 0) return false
  return kind === 'file' ? file !== undefined && file.offset === undefined : true
}

/** The entries that were held. */
export function* heldIn({oddOnes, ...held}: HeldRows): Generator<WalkedEntry> {
  const rows = new RowReader(held)
  const {numbers} = rows
  let oddAt = 0
  while (rows.next()) {
    if (rows.kind === odd) yield asHere(oddOnes[oddAt++] as WalkedEntry)
    else yield plain()
  }

  function plain(): WalkedEntry {
    const kind = kinds[rows.kind] ?? 'file'
    const path = rows.path()
    const [mode, uid, gid] = [
      numbers.at(number.mode),
      numbers.at(number.uid),
      numbers.at(number.gid),
    ]
    const common: EntryMetadata = {
      ...{path, mode, uid, gid, mtime: numbers.at(number.mtime)},
      xattrs: undefined,
    }
    if (kind === 'directory') return {entry: {kind, ...common}}
    if (kind !== 'file') return {entry: {kind, target: rows.target(), ...common}}
    const access = rows.target()
    return {
      entry: {kind, size: numbers.at(number.content), ...common},
      file: {path: rows.isBytes ? Buffer.from(access, 'latin1') : access, stat: numbers.state()},
    }
  }
}

/** What comes from another thread has arrays of bytes in place of Node's buffers. */
function asHere(walked: WalkedEntry): WalkedEntry {
  const {file} = walked
  if (typeof file?.path !== 'object') return walked
  return {...walked, file: {...file, path: asBuffer(file.path)}}
}
