import type {ByteString} from '../byte-string.js'
import type {Entry} from '../entry.js'
import {type HeldEntries, heldIn, holdEntries} from '../recording/held-entries.js'
import {createEarlierNames} from './earlier-names.js'
import {hashPath} from './item-table.js'
import {countShards, type ShardPlan} from './shard-plan.js'
import {changed} from '../tree/file-state.js'
import type {Entries, HeldRows, SharedInode, WalkedEntry} from '../tree/walked-entry.js'
import {endsInWhiteout} from '../whiteout.js'

/** The entries of one layer, to be had as often as needed. */
export interface Shard {
  /** Counted from 0, lowest first. */
  readonly number: number
  readonly entries: () => Iterable<WalkedEntry>
  /** The same, if they are held; those of a layer that is too large are walked again. */
  readonly rows: () => HeldRows | undefined
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
  const directories = createHeld(() => onlyDirectories(entries()))
  const heldShard = (number: number) => createHeld(() => shardAgain(entries, plan, number))
  let number = 0
  let held = heldShard(0)
  let full: Shard[] = []
  const place = createPlacer(plan, (shard, walked) => {
    for (; number < shard; held = heldShard(number)) full.push({number: number++, ...held.shard})
    held.add(walked)
  })
  placeWhiteouts(entries, plan, place)
  for (const walked of entries()) {
    if (walked.entry.kind === 'directory') directories.add(walked)
    place.next(walked)
    if (full.length === 0) continue
    yield* full
    full = []
  }
  place.end()
  yield {number: number++, ...held.shard}
  if (plan.directories > 0) yield {number, ...directories.shard}
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
  const place = createPlacer(plan, emit)
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
  let shard: Pick<Shard, 'entries' | 'rows'> | undefined
  return {number, entries: () => find().entries(), rows: () => find().rows()}

  function find(): Pick<Shard, 'entries' | 'rows'> {
    if (shard) return shard
    const held = createHeld(all)
    for (const walked of all()) if (!held.add(walked)) break
    return (shard = held.shard)
  }
}

/** Entries that are held, or for those of a layer that is too large for that, `again`. */
function createHeld(again: () => Iterable<WalkedEntry>) {
  let held: HeldEntries | undefined = holdEntries()
  return {
    add(walked: WalkedEntry): boolean {
      if (held?.add(walked) === false) held = undefined
      return held !== undefined
    },
    shard: {
      entries: () => (held ? heldIn(held.rows()) : again()),
      rows: () => held?.rows(),
    },
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
  const place = createPlacer(plan, (shard, walked) => {
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
  const place = createPlacer({...plan, cuts: [], hashes: []}, (_, walked) => found.push(walked))
  for (const walked of entries) {
    place.next(walked)
    if (found.length === 0) continue
    yield* found
    found = []
  }
}

function placeWhiteouts(entries: Entries, {whiteouts}: ShardPlan, place: Placer): void {
  if (whiteouts > 0) for (const walked of entries()) place.whiteout(walked)
}

/** A directory on the way to where the walk is. */
interface Folder {
  readonly entry: Entry
  /** Of the paths inside. */
  readonly prefix: ByteString
  readonly above: Folder | undefined
}

interface Placer {
  /** Once for every entry, before any is placed: those that are whiteouts. */
  whiteout(walked: WalkedEntry): void
  /** Once for every entry. */
  next(walked: WalkedEntry): void
  /** Throws when there should have been more entries, or others. */
  end(): void
}

/**
 * Tells of each entry in which layer it is (`emit`), layer by layer. Plain calls: a generator more
 * for each entry costs as much as walking it.
 */
function createPlacer(
  {cuts, hashes, items, names: ofGroups}: ShardPlan,
  emit: (shard: number, walked: WalkedEntry) => void,
): Placer {
  const earlier = createEarlierNames<Folder | undefined>()
  let led = new Set<ByteString>()
  let folder: Folder | undefined
  let shard = 0
  let item = 0
  let path: ByteString = ''

  return {
    whiteout(walked) {
      folder = enter(folder, walked.entry)
      if (walked.entry.kind === 'directory' || !endsInWhiteout(walked.entry.path)) return
      leadTo(folder)
      emit(shard, byItself(walked))
    },
    next(walked) {
      path = walked.entry.path
      folder = enter(folder, walked.entry)
      if (walked.entry.kind === 'directory' || endsInWhiteout(path)) return
      if (item === cuts[shard]) {
        if (hashPath(path) !== hashes[shard]) throw changed(path)
        shard++
        led = new Set()
      }
      item++
      if (walked.shared) placeNames(walked, walked.shared)
      else put(walked, folder)
    },
    end() {
      if (item !== items || earlier.size > 0) throw changed(path)
    },
  }

  function placeNames(walked: WalkedEntry, {names, group}: SharedInode): void {
    const {entry} = walked
    if (earlier.count(group) + 1 < (ofGroups.get(group) ?? names)) {
      earlier.add(group, {name: entry.path.slice(folder?.prefix.length), place: folder})
      return
    }
    put(byItself(walked), folder)
    const {mode, uid, gid, mtime} = entry
    const common = {kind: 'hardlink', target: entry.path, mode, uid, gid, mtime} as const
    for (const {name, place} of earlier.take(group))
      put({entry: {...common, path: `${place?.prefix ?? ''}${name}`, xattrs: undefined}}, place)
  }

  function put(walked: WalkedEntry, inside: Folder | undefined): void {
    leadTo(inside)
    emit(shard, walked)
  }

  /** The directories above, the outermost first, each once in a layer. */
  function leadTo(inner: Folder | undefined): void {
    if (!inner || led.has(inner.entry.path)) return
    leadTo(inner.above)
    led.add(inner.entry.path)
    emit(shard, {entry: {...inner.entry, mtime: 0}})
  }
}

function byItself({entry, file, alone}: WalkedEntry): WalkedEntry {
  return alone ?? {entry, ...(file && {file})}
}

/**
 * The directory that what follows `entry` may be in: `entry` itself, or the innermost one above it.
 */
function enter(folder: Folder | undefined, entry: Entry): Folder | undefined {
  let above = folder
  while (above && !entry.path.startsWith(above.prefix)) above = above.above
  return entry.kind === 'directory' ? {entry, prefix: `${entry.path}/`, above} : above
}
