import type {ByteString} from '../byte-string.js'
import {createNameList} from './name-list.js'
import {LongList, WordList} from '../number-lists.js'

/** Files with several names, by inode: numbered from 0, with the name that came first. */
export interface InodeGroups {
  /**
   * The number of the thing with this inode, and the path that it was added with first; with
   * `path`, if it is new.
   */
  find(file: Inode, path: ByteString): {readonly group: number; readonly first: ByteString}
}

interface Inode {
  readonly dev: bigint
  readonly ino: bigint
}

/** An empty table: some thirty bytes a thing, and those of its first path. */
export function createInodeGroups(): InodeGroups {
  const paths = createNameList()
  /** Two numbers a group. */
  const inodes = new LongList()
  /** By place in the table: number of the group and one, 0 for none. */
  let groups = new WordList()
  /** Places in the table: a power of two. */
  let size = 1024

  return {
    find({dev: anyDev, ino: anyIno}, path) {
      // Node gives those of 2^63 and more as negative numbers
      const [dev, ino] = [BigInt.asUintN(64, anyDev), BigInt.asUintN(64, anyIno)]
      const place = placeOf(dev, ino)
      const known = groups.at(place)
      if (known > 0) return {group: known - 1, first: paths.at(known - 1)}
      const group = paths.add(path)
      inodes.push(ino)
      inodes.push(dev)
      groups.put(place, group + 1)
      if (2 * paths.length > size) grow()
      return {group, first: path}
    },
  }

  /** The place of the key in the table, or a free one. */
  function placeOf(dev: bigint, ino: bigint): number {
    const mask = size - 1
    let place = Number((ino ^ (dev << 7n)) & 0xffff_ffffn)
    place = Math.imul(place ^ (place >>> 15), 0x9e37_79b1) >>> 0
    for (place &= mask; groups.at(place) !== 0; place = (place + 1) & mask) {
      const at = 2 * (groups.at(place) - 1)
      if (inodes.at(at) === ino && inodes.at(at + 1) === dev) break
    }
    return place
  }

  function grow(): void {
    groups = new WordList()
    size *= 2
    for (let group = 0; group < paths.length; group++)
      groups.put(placeOf(inodes.at(2 * group + 1), inodes.at(2 * group)), group + 1)
  }
}
