/** What the entries of one layer look like without reading files. */
export interface LayerLook {
  /**
   * Equal looks mean equal layers: it covers the entries in their order, with the states of files
   * instead of their contents and attributes.
   */
  readonly digest: string
  /** Nanoseconds since the epoch: when a file of it was touched last; 0 without files. */
  readonly touched: bigint
  /** Whether every change of a file changes the look. */
  readonly isReliable: boolean
}

/** How entries were divided into layers, and what these looked like. */
export interface Division {
  /** The plan, in the form of those who plan. */
  readonly plan: string
  /** By number, counted without directories: the entries before which a new layer begins. */
  readonly cuts: readonly number[]
  /** Layer by layer, the lowest first. */
  readonly looks: readonly LayerLook[]
}

/** A division of an earlier run that would be made again. */
export interface RecalledDivision {
  readonly plan: string
  /** Seconds since the epoch, of the newest entry now; 0 for none. */
  readonly newestMtime: number
  /** Layer by layer, the lowest first; `undefined` for those of which a file was touched since. */
  readonly looks: readonly (LayerLook | undefined)[]
}
