import {createTurn} from '../../stream/take-turns.js'
import {autoLayerSize} from './layer-size.js'
import type {WalkedEntry} from '../tree/walked-entry.js'

/** The bounds for a layer. */
export interface TarBounds {
  /** Bytes of tar. */
  readonly limit?: number | undefined
  /** Seconds since the epoch, of any entry. */
  readonly newest?: number | undefined
}

/** What is known about a tree before any file is read. */
export interface Outlook {
  /** Whether its layer certainly exceeds the bounds. */
  readonly isOut: boolean
  /**
   * About how much of the content is in those of the layers that `--layers auto` makes in which
   * something is newer than the bound, from 0 to 1.
   */
  readonly share: number
}

const headerLength = 512

/**
 * Of entries of the detail `names`. No file is opened. Others get their turn between entries.
 * Throws the signal's reason.
 */
export async function outlook(
  entries: Iterable<WalkedEntry>,
  {limit = Infinity, newest = Infinity}: TarBounds,
  signal?: AbortSignal,
): Promise<Outlook> {
  /** The ranges of newer entries, in ascending order. */
  const changed: number[] = []
  let at = 0
  const turn = createTurn(signal)
  for (const {entry} of entries) {
    const size = entry.kind === 'file' ? entry.size : 0
    if (entry.mtime > newest) changed.push(at, at + size)
    at += size + headerLength
    if (turn.isOver()) await turn.giveTurn()
  }
  const part = autoLayerSize(at)
  const parts = new Set<number>()
  for (let place = 0; place < changed.length; place += 2) {
    const [from = 0, to = 0] = [changed[place], changed[place + 1]]
    for (let each = Math.floor(from / part); each <= Math.floor(to / part); each++) parts.add(each)
  }
  return {isOut: at > limit || changed.length > 0, share: Math.min(1, (parts.size * part) / at)}
}
