import {type ByteString, fromText} from '../byte-string.js'
import type {Division, LayerLook} from '../tree/division.js'
import {isFine, isReliable} from '../tree/reliable-file-systems.js'
import {encodeDivision} from './division-text.js'
import {areLinksAlike} from './links-alike.js'
import {encodeWalk, type PackedWalk} from './packed-walk.js'
import type {PackedRows} from './rows/packed-rows.js'
import {number, RowNumbers} from './rows/row-numbers.js'
import {RowSplicer} from './rows/row-splicer.js'
import {kinds} from './columns/walk-columns.js'

/** A change time that nothing has. */
const never = -(2n ** 63n)

export interface KeptWalkOptions {
  /** The real path of what was walked. */
  readonly directory: string
  /** How much of each path is not told to the kernel. */
  readonly prefixLength: number
  readonly before: bigint
  /**
   * The rows as the next run is to get them: of a walk that was kept before, all but those that
   * were touched since are settled. Default: every row is looked at.
   */
  readonly settled?: PackedRows | undefined
  /** Of all entries, if that is known. */
  readonly look: LayerLook | undefined
  readonly division: Division | undefined
}

/**
 * What the next run needs to see whether anything was touched since, in pieces; `undefined` if it
 * could not tell. Everything that is touched from now on gets the time `before` or a later one, in
 * nanoseconds since the epoch; files that have such a time already are looked at again.
 */
export function keptWalk(
  walk: PackedWalk,
  {directory, prefixLength, before, settled, look, division}: KeptWalkOptions,
): readonly Uint8Array[] | undefined {
  const settling = createSettling(directory, before)
  const {ctimeNs, dev} = walk.root
  if (!settling.isKnown(dev, () => '') || !settling.isSettled(ctimeNs)) return undefined
  const rows = settled ?? settledRows(walk.rows, prefixLength, settling)
  return (
    rows &&
    encodeWalk({
      ...walk,
      rows,
      areLinksAlike: walk.areLinksAlike && areLinksAlike(directory),
      note: encodeLook(look),
      division: encodeDivision(division),
    })
  )
}

/** Tells which states the next run can trust, if they are still the same. */
export interface Settling {
  /** Whether times mean something on that device, which has the entry of that path. */
  isKnown(device: bigint, path: () => ByteString): boolean
  /** Whether what has this change time, in nanoseconds, gets another one when it is touched. */
  isSettled(ctimeNs: bigint): boolean
}

/** Paths are those in the directory. */
export function createSettling(directory: string, before: bigint): Settling {
  const folder = fromText(directory)
  const devices = new Map<bigint, boolean>()
  return {
    isKnown(device, pathOf) {
      const known = devices.get(device)
      if (known !== undefined) return known
      const path = pathOf()
      const isGood = isReliable(Buffer.from(path === '' ? folder : `${folder}/${path}`, 'latin1'))
      devices.set(device, isGood)
      return isGood
    },
    isSettled: (ctimeNs) => ctimeNs < before && isFine({ctimeNs}),
  }
}

/** Files that are not settled get a time that nothing has; `undefined` if that is not enough. */
function settledRows(
  rows: PackedRows,
  prefixLength: number,
  settling: Settling,
): PackedRows | undefined {
  const splicer = new RowSplicer(rows)
  const path = () => splicer.path(prefixLength)
  const {numbers} = splicer
  const forgotten = new RowNumbers()
  while (splicer.next()) {
    if (!settling.isKnown(numbers.long(number.dev), path)) return undefined
    if (settling.isSettled(numbers.long(number.ctimeNs))) continue
    const kind = kinds[splicer.kind]
    if (kind !== 'file' && kind !== 'hardlink') return undefined
    splicer.replace(forget(numbers, forgotten))
  }
  return splicer.rows()
}

/** The numbers, with a change time that nothing has, in `room`. */
export function forget(numbers: RowNumbers, room: RowNumbers): RowNumbers {
  room.putAll(numbers)
  room.putLong(number.ctimeNs, never)
  return room
}

const digestLength = 32

/** Empty for one that is not known, or not reliable. */
function encodeLook(look: LayerLook | undefined): Uint8Array {
  if (!look?.isReliable) return new Uint8Array(0)
  const bytes = Buffer.alloc(digestLength + 8)
  bytes.write(look.digest, 'hex')
  bytes.writeBigInt64LE(look.touched, digestLength)
  return bytes
}

/** The look that was kept with a walk. */
export function keptLook(note: Uint8Array): LayerLook | undefined {
  if (note.length !== digestLength + 8) return undefined
  const bytes = Buffer.from(note)
  const digest = bytes.toString('hex', 0, digestLength)
  return {digest, touched: bytes.readBigInt64LE(digestLength), isReliable: true}
}
