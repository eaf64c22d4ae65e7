import {mostHeld} from '../../recording/held-entries.js'
import type {HeldRows, HeldWalk} from '../../tree/walked-entry.js'

/** Entries that are held, for one tar. */
export interface HeldContent extends Pick<HeldWalk, 'onWarning'> {
  readonly rows: HeldRows
}

/**
 * Gives the same rows in memory that threads share. It is used again for the next rows, when those
 * before are read: a copy for each tar would be garbage for long.
 */
export function createSharedRows(): (rows: HeldRows) => HeldRows {
  let memory: Uint8Array | undefined
  return ({pieces, ...rest}) => {
    memory ??= new Uint8Array(new SharedArrayBuffer(mostHeld))
    const copies: Uint8Array[] = []
    let at = 0
    for (const piece of pieces) {
      const copy = memory.subarray(at, (at += piece.length))
      copy.set(piece)
      copies.push(copy)
    }
    return {...rest, pieces: copies}
  }
}
