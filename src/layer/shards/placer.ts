import type {ByteString} from '../byte-string.js'
import {createEarlierNames} from './earlier-names.js'
import {hashPath} from './item-table.js'
import type {ShardPlan} from './shard-plan.js'
import {changed} from '../tree/file-state.js'
import type {NameList} from '../tree/name-list.js'
import {endsInWhiteout} from '../whiteout.js'

/** What decides the layer of an entry. */
export interface PlacedItem {
  readonly path: ByteString
  readonly isDirectory: boolean
  /** How many names it has on its file system; 0 for what has one. */
  readonly names: number
  /** The same for all of its names. */
  readonly group: number
}

/**
 * Told what is in which layer, layer by layer. `Folder` is what it needs to know of a directory.
 */
export interface Placing<Folder> {
  /** A directory that leads to what comes next, as it is but for its times. */
  lead(shard: number, folder: Folder): void
  /** The item that the placer is at, by itself. */
  item(shard: number): void
  /** Another name of that. */
  link(shard: number, path: ByteString): void
}

export interface Placer<Folder> {
  /** To be called with every entry before `next` is called with any: places the whiteouts. */
  whiteout(item: PlacedItem, own: () => Folder): void
  /** To be called with every entry. `own` gives what `lead` is told of a directory. */
  next(item: PlacedItem, own: () => Folder): void
  /** Throws when there should have been more entries, or others. */
  end(): void
}

/** A directory on the way to where the walk is. */
interface Level<Folder> {
  readonly own: Folder
  readonly path: ByteString
  /** Of the paths inside. */
  readonly prefix: ByteString
  readonly above: Level<Folder> | undefined
}

/**
 * Places entries by the rules of `divide`. Plain calls: a generator more for each entry costs as
 * much as walking it. Names that wait for others of their file are kept in `waiting`, which is
 * empty. Throws `LocalIoError` (`ERR_INJECT_CHANGED_WHILE_PACKED`).
 */
export function createPlacer<Folder>(
  {cuts, hashes, items, names: ofGroups}: Pick<ShardPlan, 'cuts' | 'hashes' | 'items' | 'names'>,
  placing: Placing<Folder>,
  waiting?: NameList,
): Placer<Folder> {
  const earlier = createEarlierNames<Level<Folder> | undefined>(waiting)
  let led = new Set<ByteString>()
  let level: Level<Folder> | undefined
  let shard = 0
  let count = 0
  let path: ByteString = ''

  return {
    whiteout(item, own) {
      enter(item, own)
      if (item.isDirectory || !endsInWhiteout(item.path)) return
      leadTo(level)
      placing.item(shard)
    },
    next(item, own) {
      path = item.path
      enter(item, own)
      if (item.isDirectory || endsInWhiteout(path)) return
      if (count === cuts[shard]) {
        if (hashPath(path) !== hashes[shard]) throw changed(path)
        shard++
        led = new Set()
      }
      count++
      if (item.names > 0) placeNames(item)
      else put()
    },
    end() {
      if (count !== items || earlier.size > 0) throw changed(path)
    },
  }

  /** The level that what follows may be in: the item itself, or the innermost one above it. */
  function enter(item: PlacedItem, own: () => Folder): void {
    const {path: inner} = item
    while (level && !inner.startsWith(level.prefix)) level = level.above
    if (item.isDirectory) level = {own: own(), path: inner, prefix: `${inner}/`, above: level}
  }

  function placeNames({names, group}: PlacedItem): void {
    if (earlier.count(group) + 1 < (ofGroups.get(group) ?? names)) {
      earlier.add(group, {name: path.slice(level?.prefix.length), place: level})
      return
    }
    put()
    for (const {name, place} of earlier.take(group)) {
      leadTo(place)
      placing.link(shard, `${place?.prefix ?? ''}${name}`)
    }
  }

  function put(): void {
    leadTo(level)
    placing.item(shard)
  }

  /** The directories above, the outermost first, each once in a layer. */
  function leadTo(inner: Level<Folder> | undefined): void {
    if (!inner || led.has(inner.path)) return
    leadTo(inner.above)
    led.add(inner.path)
    placing.lead(shard, inner.own)
  }
}
