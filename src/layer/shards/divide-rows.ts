import {type ByteString, isAscii} from '../byte-string.js'
import type {HeldEntries} from '../recording/held-entries.js'
import {RowReader} from '../recording/rows/packed-rows.js'
import {number, RowNumbers} from '../recording/rows/row-numbers.js'
import {kindNumber} from '../recording/columns/walk-columns.js'
import type {FoundRows} from '../tree/walked-entry.js'
import {createPlacer, type PlacedItem, type Placing} from './placer.js'
import {createRowNames} from './row-names.js'
import type {ShardPlan} from './shard-plan.js'

/** What a layer needs to know of a directory in another one. */
interface Folder {
  readonly path: ByteString
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

/** Where rows go. */
export interface RowsOfLayers {
  /** A layer of files. */
  layer(shard: number): Pick<HeldEntries, 'addRow'>
  readonly directories: Pick<HeldEntries, 'addRow'>
}

const [directory, file, symlink, hardlink] = [
  kindNumber('directory'),
  kindNumber('file'),
  kindNumber('symlink'),
  kindNumber('hardlink'),
]

/**
 * Puts the rows of a recorded walk into the layers by the rules of `divide`, one row at a time. An
 * object for each row would cost more than all the rest. Throws what the placer throws.
 */
export function* divideRows(
  {folder, prefixLength, ...packed}: FoundRows,
  plan: ShardPlan,
  to: RowsOfLayers,
): Generator<void> {
  const isPlainFolder = isAscii(folder)
  const made = new RowNumbers()
  let rows = new RowReader(packed)
  let path: ByteString = ''
  const item = {path, isDirectory: false, names: 0, group: 0}
  const placing: Placing<Folder> = {
    lead: (shard, {path: name, ...owner}) => {
      putMetadata({...owner, mtime: 0})
      to.layer(shard).addRow({kind: directory, isBytes: false, path: name, target: ''}, made)
    },
    item: (shard) => putItem(to.layer(shard)),
    link: (shard, name) => {
      putMetadata(ownerAt())
      to.layer(shard).addRow({kind: hardlink, isBytes: false, path: name, target: path}, made)
    },
  }
  const waiting = createRowNames(packed.pieces, () => rows)
  const placer = createPlacer<Folder>(plan, placing, waiting)
  if (plan.whiteouts > 0) {
    while (rows.next()) placer.whiteout(itemAt(), folderAt)
    rows = new RowReader(packed)
  }
  while (rows.next()) {
    placer.next(itemAt(), folderAt)
    if (rows.kind === directory) {
      putMetadata(ownerAt())
      to.directories.addRow({kind: directory, isBytes: false, path, target: ''}, made)
    }
    yield
  }
  placer.end()

  function itemAt(): PlacedItem {
    const {kind, numbers} = rows
    path = rows.path()
    item.path = path
    item.isDirectory = kind === directory
    item.names = numbers.at(number.names)
    item.group = numbers.at(number.group)
    return item
  }

  function ownerAt() {
    const {numbers} = rows
    return {
      mode: numbers.at(number.mode),
      uid: numbers.at(number.uid),
      gid: numbers.at(number.gid),
      mtime: numbers.at(number.mtime),
    }
  }

  function folderAt(): Folder {
    const {mode, uid, gid} = ownerAt()
    return {path, mode, uid, gid}
  }

  /** The state stays that of another file, which takes no room in the next row. */
  function putMetadata(entry: Omit<Folder, 'path'> & {readonly mtime: number}): void {
    made.put(number.mode, entry.mode)
    made.put(number.uid, entry.uid)
    made.put(number.gid, entry.gid)
    made.put(number.mtime, entry.mtime)
    made.put(number.content, 0)
  }

  /** A hard link is the file that it would be without the entry that it links to. */
  function putItem(layer: Pick<HeldEntries, 'addRow'>): void {
    if (rows.kind === symlink) {
      putMetadata(ownerAt())
      layer.addRow({kind: symlink, isBytes: false, path, target: rows.target()}, made)
      return
    }
    made.putAll(rows.numbers)
    made.put(number.names, 0)
    made.put(number.group, 0)
    const isBytes = rows.isBytes || !isPlainFolder
    layer.addRow({kind: file, isBytes, path, target: folder + path.slice(prefixLength)}, made)
  }
}
