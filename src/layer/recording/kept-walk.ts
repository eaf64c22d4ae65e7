import {fromText} from '../byte-string.js'
import type {Division, LayerLook} from '../tree/division.js'
import {isFine, isReliable} from '../tree/reliable-file-systems.js'
import {encodeDivision} from './division-text.js'
import {
  encodeColumns,
  fact,
  factsPerRow,
  inBytes,
  kinds,
  rowsOf,
  statesPerRow,
  type WalkColumns,
} from './walk-columns.js'

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
  columns: WalkColumns,
  {directory, prefixLength, before, look, division}: KeptWalkOptions,
): readonly Uint8Array[] | undefined {
  const {facts, text} = columns
  const states = columns.states.filled
  const folder = fromText(directory)
  const devices = new Map<bigint, boolean>()
  const touched: number[] = []
  let textAt = 0
  if (!isKnown(states[4] ?? 0n, folder) || !isSettled(0)) return undefined
  for (let row = 0; row < rowsOf(columns); row++) {
    const at = row * factsPerRow
    const end = textAt + facts.at(at + fact.pathLength)
    const device = states[(row + 1) * statesPerRow + 4] ?? 0n
    if (!devices.has(device)) {
      const inside = text.slice(textAt + prefixLength, end)
      if (!isKnown(device, `${folder}/${inside}`)) return undefined
    }
    if (!isSettled(row + 1)) {
      const kind = kinds[facts.at(at) % inBytes]
      if (kind !== 'file' && kind !== 'hardlink') return undefined
      touched.push(row + 1)
    }
    textAt = end + facts.at(at + fact.targetLength)
  }
  return encodeColumns(columns, touched, {
    note: encodeLook(look),
    division: encodeDivision(division),
  })

  function isKnown(device: bigint, path: string): boolean {
    const isGood = isReliable(Buffer.from(path, 'latin1'))
    devices.set(device, isGood)
    return isGood
  }

  function isSettled(row: number): boolean {
    const ctimeNs = states[row * statesPerRow] ?? 0n
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
