import {fromText} from '../byte-string.js'
import type {Division, LayerLook} from '../tree/division.js'
import {isFine, isReliable} from '../tree/reliable-file-systems.js'
import {encodeDivision} from './division-text.js'
import {areLinksAlike} from './links-alike.js'
import {encodeWalk, type PackedWalk} from './packed-walk.js'
import {number, RowNumbers} from './rows/row-numbers.js'
import {RowSplicer} from './rows/row-splicer.js'
import {kinds} from './walk-columns.js'

/** A change time that nothing has. */
const never = -(2n ** 63n)

export interface KeptWalkOptions {
  /** The real path of what was walked. */
  readonly directory: string
  /** How much of each path is not told to the kernel. */
  readonly prefixLength: number
  readonly before: bigint
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
  {directory, prefixLength, before, look, division}: KeptWalkOptions,
): readonly Uint8Array[] | undefined {
  const folder = fromText(directory)
  const devices = new Map<bigint, boolean>()
  const splicer = new RowSplicer(walk.rows)
  const {numbers} = splicer
  const forgotten = new RowNumbers()
  const {ctimeNs, dev} = walk.root
  if (!isKnown(dev, folder) || !isSettled(ctimeNs)) return undefined
  while (splicer.next()) {
    const device = numbers.long(number.dev)
    if (!devices.has(device) && !isKnown(device, `${folder}/${splicer.path(prefixLength)}`))
      return undefined
    if (isSettled(numbers.long(number.ctimeNs))) continue
    const kind = kinds[splicer.kind]
    if (kind !== 'file' && kind !== 'hardlink') return undefined
    forgotten.putAll(numbers)
    forgotten.putLong(number.ctimeNs, never)
    splicer.replace(forgotten)
  }
  return encodeWalk({
    ...walk,
    rows: splicer.rows(),
    areLinksAlike: walk.areLinksAlike && areLinksAlike(directory),
    note: encodeLook(look),
    division: encodeDivision(division),
  })

  function isKnown(device: bigint, path: string): boolean {
    const isGood = isReliable(Buffer.from(path, 'latin1'))
    devices.set(device, isGood)
    return isGood
  }

  function isSettled(ctimeNs: bigint): boolean {
    return ctimeNs < before && isFine({ctimeNs})
  }
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
