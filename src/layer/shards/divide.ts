import {createRowPieces, type RowPieces} from '../recording/rows/row-pieces.js'
import {type HeldEntries, heldIn, holdEntries} from '../recording/held-entries.js'
import {divideRows} from './divide-rows.js'
import {type EntryPlacer, placeEntries} from './place-entries.js'
import {countShards, type ShardPlan} from './shard-plan.js'
import type {Entries, HeldRows, WalkedEntry} from '../tree/walked-entry.js'

/** The entries of one layer, to be had as often as needed. */
export interface Shard {
  /** Counted from 0, lowest first. */
  readonly number: number
  readonly entries: () => Iterable<WalkedEntry>
  /** The same, if they are held; those of a layer that is too large are walked again. */
  readonly rows: () => HeldRows | undefined
  /**
   * To be called when nobody reads them any more: other layers take their memory. From then on they
   * are not held, but walked again.
   */
  readonly release: () => void
}

/**
 * The layers of a slot, in one walk: applied one after the other they give what all entries in one
 * layer give.
 *
 * - All names of one thing are in the layer of the last of them: a hard link finds its target in
 *   its own layer only.
 * - Whiteouts are in the lowest layer, wherever they stand: they are about the image below, and
 *   further up they would hide layers of the slot.
 * - Each layer has the directories that lead to what it holds, as they are but for their times,
 *   because what lacks an entry is made with a mode of the engine's choice.
 * - The last layer holds all directories and nothing else, times included: a directory's time
 *   changes with its content, and files written into it later would change it, too.
 *
 * Throws `LocalIoError` (`ERR_INJECT_CHANGED_WHILE_PACKED`) when the entries are not those of the
 * survey any more, and what `entries` throw.
 */
export function* divide(entries: Entries, plan: ShardPlan): Generator<Shard, void, undefined> {
  const pieces = createRowPieces()
  const directories = createHeld(() => onlyDirectories(entries()), pieces)
  const heldShard = (number: number) => createHeld(() => shardAgain(entries, plan, number), pieces)
  let number = 0
  let held = heldShard(0)
  let full: Shard[] = []
  const layer = (shard: number): Held => {
    for (; number < shard; held = heldShard(number)) full.push({number: number++, ...held.shard})
    return held
  }
  const rows = entries.rows?.()
  const placing = rows
    ? divideRows(rows, plan, {layer, directories})
    : divideEntries(entries, plan, {layer, directories})
  while (placing.next().done !== true) {
    if (full.length === 0) continue
    yield* full
    full = []
  }
  yield {number: number++, ...held.shard}
  if (plan.directories > 0) yield {number, ...directories.shard}
}

/** Goes from entry to entry. */
function* divideEntries(
  entries: Entries,
  plan: ShardPlan,
  {layer, directories}: {readonly layer: (shard: number) => Held; readonly directories: Held},
): Generator<void> {
  const place = placeEntries(plan, (shard, walked) => layer(shard).add(walked))
  placeWhiteouts(entries, plan, place)
  for (const walked of entries()) {
    if (walked.entry.kind === 'directory') directories.add(walked)
    place.next(walked)
    yield
  }
  place.end()
}

/**
 * Returns the layer of each entry, in the order of that layer; keeps nothing. Throws what `divide`
 * throws.
 */
export function placeEach(
  entries: Entries,
  plan: ShardPlan,
  emit: (shard: number, walked: WalkedEntry) => void,
): void {
  const place = placeEntries(plan, emit)
  placeWhiteouts(entries, plan, place)
  const ofDirectories = countShards(plan) - 1
  for (const walked of entries()) {
    if (walked.entry.kind === 'directory') emit(ofDirectories, walked)
    place.next(walked)
  }
  place.end()
}

/** One of the layers that `divide` gives, for a walk of its own. */
export function oneShard(entries: Entries, plan: ShardPlan, number: number): Shard {
  const isOfDirectories = plan.directories > 0 && number === countShards(plan) - 1
  const all = () =>
    isOfDirectories ? onlyDirectories(entries()) : shardAgain(entries, plan, number)
  let shard: HeldShard | undefined
  return {
    number,
    entries: () => find().entries(),
    rows: () => find().rows(),
    release: () => shard?.release(),
  }

  function find(): HeldShard {
    if (shard) return shard
    const held = createHeld(all, createRowPieces())
    for (const walked of all()) if (!held.add(walked)) break
    return (shard = held.shard)
  }
}

type HeldShard = Omit<Shard, 'number'>

interface Held extends Pick<HeldEntries, 'add' | 'addRow'> {
  readonly shard: HeldShard
}

/** Entries that are held, or for those of a layer that is too large for that, `again`. */
function createHeld(again: () => Iterable<WalkedEntry>, pieces: RowPieces): Held {
  let held: HeldEntries | undefined = holdEntries(pieces)
  const heldIf = (hasRoom: boolean | undefined): boolean => {
    if (hasRoom === false) release()
    return held !== undefined
  }
  return {
    add: (walked) => heldIf(held?.add(walked)),
    addRow: (row, numbers) => heldIf(held?.addRow(row, numbers)),
    shard: {
      entries: () => (held ? heldIn(held.rows()) : again()),
      rows: () => held?.rows(),
      release,
    },
  }

  function release(): void {
    if (held) pieces.giveBack(held.rows().pieces)
    held = undefined
  }
}

/** By a walk of all entries, or of those that decide the layer. */
function shardAgain(entries: Entries, plan: ShardPlan, number: number): Iterable<WalkedEntry> {
  const known = plan.kept?.entriesOf(number)
  return known ? onlyThese(known, plan) : onlyShard(entries, plan, number)
}

function* onlyDirectories(entries: Iterable<WalkedEntry>): Generator<WalkedEntry> {
  for (const walked of entries) if (walked.entry.kind === 'directory') yield walked
}

function* onlyShard(entries: Entries, plan: ShardPlan, wanted: number): Generator<WalkedEntry> {
  let found: WalkedEntry[] = []
  let number = 0
  const place = placeEntries(plan, (shard, walked) => {
    number = shard
    if (shard === wanted) found.push(walked)
  })
  if (wanted === 0) placeWhiteouts(entries, plan, place)
  for (const walked of entries()) {
    place.next(walked)
    yield* found
    found = []
    if (number > wanted) return
  }
  place.end()
}

/** Of the entries that decide a layer of a plan without whiteouts. */
function* onlyThese(entries: Iterable<WalkedEntry>, plan: ShardPlan): Generator<WalkedEntry> {
  let found: WalkedEntry[] = []
  const place = placeEntries({...plan, cuts: [], hashes: []}, (_, walked) => found.push(walked))
  for (const walked of entries) {
    place.next(walked)
    if (found.length === 0) continue
    yield* found
    found = []
  }
}

function placeWhiteouts(entries: Entries, {whiteouts}: ShardPlan, place: EntryPlacer): void {
  if (whiteouts > 0) for (const walked of entries()) place.whiteout(walked)
}
