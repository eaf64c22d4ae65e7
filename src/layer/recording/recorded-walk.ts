import {lstatSync} from 'node:fs'
import {isDeepStrictEqual} from 'node:util'
import {type ByteString, fromText} from '../byte-string.js'
import type {Division, LayerLook, RecalledDivision} from '../tree/division.js'
import {stateOf} from '../tree/file-state.js'
import {lookOf} from '../tree/layer-look.js'
import type {Entries, Tree, WalkDetail, WalkedEntry} from '../tree/walked-entry.js'
import {decodeDivision} from './division-text.js'
import {recalledDivision} from './recalled-division.js'
import {keptLook, keptWalk} from './kept-walk.js'
import {lookAgain, type TouchedFiles} from './look-again.js'
import {createRecord, mostRecorded, type WalkRecord} from './record.js'
import {replay} from './replay.js'
import {decodeColumns, stateAt, type WalkColumns} from './walk-columns.js'

/** Details that the recorded one includes. */
const listed: ReadonlySet<WalkDetail> = new Set(['directories', 'names', 'states'])

/** Where a walk is kept between runs. */
export interface WalkKeeper {
  /** Nanoseconds since the epoch. */
  readonly now: bigint
  /** Nanoseconds since the epoch: everything that is touched from now on has no earlier time. */
  readonly before: bigint
  /** What an earlier run kept of a walk that had the same rules. */
  readonly kept: Uint8Array | undefined
  /**
   * Called when the next run needs something else. `encode` returns it, at the end of the run;
   * `undefined` if nothing can be kept.
   */
  keep(encode: () => readonly Uint8Array[] | undefined): void
}

/**
 * The same entries, of which those of the details `directories`, `names` and `states` are listed
 * once: as the first walk that came to its end found them, and but for `states` without what it
 * takes to read files. Other details are walked again, in this thread or, by `walk`, in another.
 * `prefix` is what the paths of entries have before their paths in the directory.
 *
 * `look` is what all of it looks like. With a keeper nothing is listed if all that an earlier run
 * walked looks as it did then, or only files were touched. More than `most` bytes are not recorded.
 */
export function recordedWalk(
  entries: Entries,
  prefix: ByteString,
  keeper?: WalkKeeper,
  most = mostRecorded,
): Entries {
  let record: Pick<WalkRecord, 'replay'> | undefined
  let columns: WalkColumns | undefined
  /** With rows for what is not in `columns`. */
  let whole: WalkColumns | undefined
  let look: LayerLook | undefined
  let division: Division | undefined
  let touched: TouchedFiles | undefined
  let isTooLarge = false
  let {kept} = keeper ?? {}
  const tree = entries.walk?.tree
  const prefixLength = prefix.length
  const recorded: Entries = (detail) => {
    if (detail === undefined || !listed.has(detail)) return entries(detail)
    record ??= recalled()
    if (record) return record.replay(detail === 'states')
    return isTooLarge ? entries(detail) : recording()
  }
  return Object.assign(recorded, {
    walk: entries.walk,
    look: lookOnce,
    division: {recall: recallDivision, keep: keepDivision},
    recordedRoot: () => (record && whole ? stateAt(whole.states, 0) : undefined),
  })

  function lookOnce(): LayerLook {
    record ??= recalled()
    if (look) return look
    look = lookOf(recorded('states'))
    // now there is more to keep
    if (columns && tree) keep(columns, tree)
    return look
  }

  function* recording(): Generator<WalkedEntry> {
    const root = tree && lstatSync(tree.directory, {bigint: true, throwIfNoEntry: false})
    let own: WalkRecord | undefined = createRecord(prefixLength, root && stateOf(root), most)
    for (const walked of entries('states')) {
      if (own?.add(walked) === false) {
        own = undefined
        isTooLarge = true
      }
      yield walked
    }
    record = own
    columns = root && own?.columns()
    whole = root && own?.whole
    if (tree && columns) keep(columns, tree)
  }

  /** What an earlier run saw, if that can be brought up to date; asked for once. */
  function recalled(): typeof record {
    const decoded = kept && decodeColumns(kept)
    kept = undefined
    if (!decoded || !tree || !keeper) return undefined
    touched = lookAgain(decoded.columns, {tree, prefixLength, now: keeper.now})
    if (touched === undefined) return undefined
    columns = whole = decoded.columns
    division = decodeDivision(decoded.division)
    if (touched.rows.length === 0) look = keptLook(decoded.note)
    else keep(columns, tree)
    const folder = `${fromText(tree.directory)}/`
    const options = {columns, oddOnes: [], folder, prefixLength}
    return {replay: (hasStates) => replay(options, hasStates)}
  }

  function recallDivision(): RecalledDivision | undefined {
    record ??= recalled()
    if (!division || !columns || !touched?.areSameSize) return undefined
    return recalledDivision(columns, division, touched)
  }

  function keepDivision(made: Division): void {
    if (columns && tree && !isDeepStrictEqual(made, division)) keep(columns, tree)
    division = made
  }

  function keep(columns: WalkColumns, {directory}: Tree): void {
    if (!keeper) return
    const {before} = keeper
    keeper.keep(() => keptWalk(columns, {directory, prefixLength, before, look, division}))
  }
}
