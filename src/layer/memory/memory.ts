import type {Digest} from '../../oci/digest.js'
import type {LayerLook} from '../tree/division.js'

/** The layer that was packed or unpacked. */
export interface RememberedLayer {
  readonly diffId: Digest
  readonly tarSize: number
  readonly entries: number
  /** Seconds since the epoch. */
  readonly newestMtime: number
}

/** What is remembered of the layers of one directory, by their looks. Nothing in it throws. */
export interface LayerMemory {
  /** Nanoseconds since the epoch, by this machine's clock: when it was opened. */
  readonly opened: bigint
  readonly isEmpty: boolean
  /** Whether walks are recalled and remembered. */
  readonly keepsWalks: boolean
  /** The layer of this diff ID, whatever it looked like; `undefined` if it is not remembered. */
  find(diffId: Digest): RememberedLayer | undefined
  /** The layer that looked like this; `undefined` if none did, or the look is not reliable. */
  recall(look: LayerLook): RememberedLayer | undefined
  /**
   * Notes a layer until `save`, unless its files may change from now on and look the same: all
   * changes from now on are at or after `before`, in nanoseconds since the epoch.
   */
  remember(look: LayerLook, layer: RememberedLayer, before: bigint): void
  /** What was kept of a walk with this key; `undefined` for nothing. */
  recallWalk(key: string): Promise<Uint8Array | undefined>
  /** Notes a walk until `save`, which encodes it, in place of any other. */
  rememberWalk(key: string, encode: () => readonly Uint8Array[] | undefined): void
  /** Keeps what was noted for the next run. */
  save(): Promise<void>
}

/** A directory whose layers are remembered. */
export interface RememberedPlace {
  /** The real path. */
  readonly directory: string
  /** The name of the slot. */
  readonly slot: string
}

/** Opens the memory of a place; `undefined` if nothing can be remembered. Never throws. */
export type OpenMemory = (place: RememberedPlace) => Promise<LayerMemory | undefined>
