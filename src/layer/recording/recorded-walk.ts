import {lstatSync} from 'node:fs'
import {setTimeout} from 'node:timers/promises'
import {isDeepStrictEqual} from 'node:util'
import {type ByteString, fromText} from '../byte-string.js'
import type {Division, LayerLook, RecalledDivision} from '../tree/division.js'
import {type FileState, stateOf} from '../tree/file-state.js'
import {lookOf} from '../tree/layer-look.js'
import type {
  Entries,
  FindOptions,
  FoundRows,
  FoundTree,
  SharedWalk,
  LayerItems,
  Tree,
  WalkDetail,
  WalkedAlready,
  WalkedEntry,
} from '../tree/walked-entry.js'
import {decodeDivision} from './division-text.js'
import {recalledDivision} from './recalled-division.js'
import {keptLook, keptWalk} from './kept-walk.js'
import {layerRows} from './layer-rows.js'
import {areLinksAlike} from './links-alike.js'
import type {TouchedFiles} from './look-again.js'
import {bringUpToDate, type UpToDate, type UpToDateOptions} from './up-to-date.js'
import {type RowCursor, RowReader} from './rows/packed-rows.js'
import {decodeWalk, type PackedWalk} from './packed-walk.js'
import {createRecord, mostRecorded, type WalkRecord} from './record.js'
import {replay} from './replay.js'
import {createTurn, lastOf, takeInTurns} from '../../stream/take-turns.js'

/** Details that the recorded one includes. */
const listed: ReadonlySet<WalkDetail> = new Set(['directories', 'names', 'states'])

/** Milliseconds until a thread is asked again whether it has walked a part. */
const soon = 5

/** Entries between two reports. */
const often = 1000

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

export interface RecordOptions {
  /** Bytes: more are not recorded. */
  readonly most?: number | undefined
  /** Threads that walk parts of the tree meanwhile; default: none. */
  readonly parts?: ((tree: Tree) => WalkedParts) | undefined
  /** Threads that look at what an earlier run walked; default: none. */
  readonly ahead?: UpToDateOptions['ahead']
}

/** Threads that walk parts of a tree which the caller walks, too. */
export interface WalkedParts {
  /** For the walk of the tree, with the detail `states`. */
  readonly shared: SharedWalk
  /**
   * What is in a directory, with hard links by themselves, instead of the entries that the walk
   * gets; only once.
   */
  rowsWithin(relative: ByteString, state: FileState): RowCursor | undefined
  /** Whether a thread walks there, so that asking for it would have to wait. */
  isBusy(relative: ByteString): boolean
  /** Called for each entry of it. */
  count(entry: WalkedEntry): void
  /** Ends the threads. */
  close(): void
}

/**
 * The same entries, of which those of the details `directories`, `names` and `states` are listed
 * once: as the first walk that came to its end found them, and but for `states` without what it
 * takes to read files. Other details are walked again, in this thread or, by `walk`, in another.
 * `prefix` is what the paths of entries have before their paths in the directory.
 *
 * `look` is what all of it looks like. With a keeper nothing is listed if all that an earlier run
 * walked looks as it did then, or only files were touched.
 */
export function recordedWalk(
  entries: Entries,
  prefix: ByteString,
  keeper?: WalkKeeper,
  {most = mostRecorded, parts: partsOf, ahead}: RecordOptions = {},
): Entries {
  let record: Pick<WalkRecord, 'replay'> | undefined
  let rootState: FileState | undefined
  let walk: PackedWalk | undefined
  let look: LayerLook | undefined
  /** Of what is there now: this is kept. */
  let division: Division | undefined
  /** That of an earlier run, of which files may have been touched since. */
  let earlier: Division | undefined
  let touched: TouchedFiles | undefined
  /** The rows of the walk as they are kept, if they are known. */
  let settled: UpToDate['settled']
  let isTooLarge = false
  /** Of the walk that is under way. */
  let threads: WalkedParts | undefined
  let isTaken = false
  let {kept} = keeper ?? {}
  const tree = entries.walk?.tree
  const prefixLength = prefix.length
  const replayed = {
    oddOnes: [],
    folder: tree ? `${fromText(tree.directory)}/` : '',
    prefixLength,
  }
  const recalling = recalledInSteps()
  const recorded: Entries = (detail) => {
    if (detail === undefined || !listed.has(detail)) return entries(detail)
    record ??= recalled()
    if (record) return record.replay(detail === 'states')
    return isTooLarge ? entries(detail) : recording()
  }
  return Object.assign(recorded, {
    walk: entries.walk && {...entries.walk, takeFound},
    look: lookOnce,
    division: {recall: recallDivision, entriesOf, keep: keepDivision},
    recordedRoot: () => (record ? rootState : undefined),
    rows,
    find: entries.walk && find,
    recall: (signal: AbortSignal | undefined) => takeInTurns(recalling, signal),
  })

  function rows(): FoundRows | undefined {
    return walk && {...walk.rows, folder: replayed.folder, prefixLength}
  }

  async function find({signal, onFound}: FindOptions): Promise<FoundRows | undefined> {
    await takeInTurns(recalling, signal)
    if (record || isTooLarge) return rows()
    const turn = createTurn(signal)
    const steps = recording(onFound ?? (() => undefined))
    try {
      for (;;) {
        const step = steps.next()
        if (step.done === true) break
        const {path, kind} = step.value.entry
        while (kind === 'directory' && threads?.isBusy(path.slice(prefixLength)) === true) {
          await setTimeout(soon)
          signal?.throwIfAborted()
        }
        if (turn.isOver()) await turn.giveTurn()
      }
    } finally {
      steps.return(undefined)
    }
    return rows()
  }

  function takeFound(): FoundTree | undefined {
    if (!walk || isTaken) return undefined
    isTaken = true
    const {rows, root} = walk
    return {...rows, root}
  }

  function lookOnce(): LayerLook {
    record ??= recalled()
    if (look) return look
    look = lookOf(recorded('states'))
    // now there is more to keep
    if (walk && tree) keep(walk, tree)
    return look
  }

  /**
   * With `onFound`, nothing is given of what others have found in rows, and nothing more than what
   * can be recorded.
   */
  function* recording(onFound?: (count: number) => void): Generator<WalkedEntry> {
    const root = tree && lstatSync(tree.directory, {bigint: true, throwIfNoEntry: false})
    const isAlike = tree !== undefined && areLinksAlike(tree.directory)
    let own: WalkRecord | undefined = createRecord(prefixLength, most, tree && replayed.folder)
    const parts = tree && partsOf?.(tree)
    threads = parts
    let count = 0
    const addRows: WalkedAlready = (relative, state) => {
      const found = parts?.rowsWithin(relative, state)
      if (!found || !parts) return undefined
      const added = own?.addRows(found, parts.shared.inodes)
      if (added === undefined) own = undefined
      count += added ?? 0
      return []
    }
    const shared = parts && {...parts.shared, ...(onFound && {walkedAlready: addRows})}
    try {
      for (const walked of entries('states', shared)) {
        parts?.count(walked)
        if (own?.add(walked) === false) own = undefined
        isTooLarge ||= own === undefined
        if (isTooLarge && onFound) return
        if (++count % often === 0) onFound?.(count)
        yield walked
      }
    } finally {
      parts?.close()
      // their table of files with several names is as large as the record
      threads = undefined
    }
    record = own
    rootState = root && stateOf(root)
    const rows = own?.rows()
    if (!tree || !rootState || !rows) return
    walk = {rows, root: rootState, areLinksAlike: isAlike}
    keep(walk, tree)
  }

  /** What an earlier run saw, if that can be brought up to date; asked for once. */
  function recalled(): typeof record {
    lastOf(recalling)
    return record
  }

  /** The same in steps, which may be taken here and there. */
  function* recalledInSteps(): Generator<void, void> {
    const decoded = kept && decodeWalk(kept)
    kept = undefined
    if (!decoded || !tree || !keeper) return
    const {now, before} = keeper
    const found = yield* bringUpToDate(decoded, {tree, prefixLength, now, before, ahead})
    if (!found) return
    ;({walk, touched, settled} = found)
    rootState = walk.root
    earlier = decodeDivision(decoded.division)
    if (touched.files.length === 0) {
      look = keptLook(decoded.note)
      division = earlier
    } else keep(walk, tree)
    const {rows} = walk
    record = {
      replay: (hasStates) => replay({...replayed, rows: new RowReader(rows)}, hasStates),
    }
  }

  function recallDivision(): RecalledDivision | undefined {
    record ??= recalled()
    if (!earlier || !walk || !touched?.areSameSize) return undefined
    return recalledDivision(earlier, touched)
  }

  function entriesOf(items: LayerItems): Iterable<WalkedEntry> | undefined {
    return walk && layerRows(walk.rows, replayed, items)
  }

  function keepDivision(made: Division): void {
    if (walk && tree && !isDeepStrictEqual(made, division)) keep(walk, tree)
    division = made
  }

  function keep(walk: PackedWalk, {directory}: Tree): void {
    if (!keeper) return
    const {before} = keeper
    keeper.keep(() => keptWalk(walk, {directory, prefixLength, before, settled, look, division}))
  }
}
