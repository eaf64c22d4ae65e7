import type {ByteString} from '../byte-string.js'
import {createNameList} from './name-list.js'

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

/** An empty table: some forty bytes a thing, and those of its first path. */
export function createInodeGroups(): InodeGroups {
  const paths = createNameList()
  /** Two numbers per place of the table. */
  let inodes = new BigUint64Array(2 * 1024)
  /** Number of the group and one, 0 for none. */
  let groups = new Uint32Array(1024)

  return {
    find({dev, ino}, path) {
      const place = placeOf(dev, ino)
      const known = groups[place] ?? 0
      if (known > 0) return {group: known - 1, first: paths.at(known - 1)}
      const group = paths.add(path)
      put(place, dev, ino, group)
      if (2 * paths.length > groups.length) grow()
      return {group, first: path}
    },
  }

  /** The place of the key in the table, or a free one. */
  function placeOf(dev: bigint, ino: bigint): number {
    const mask = groups.length - 1
    let place = Number((ino ^ (dev << 7n)) & 0xffff_ffffn)
    place = Math.imul(place ^ (place >>> 15), 0x9e37_79b1) >>> 0
    for (place &= mask; groups[place] !== 0; place = (place + 1) & mask)
      if (inodes[2 * place] === ino && inodes[2 * place + 1] === dev) break
    return place
  }

  function put(place: number, dev: bigint, ino: bigint, group: number): void {
    inodes[2 * place] = ino
    inodes[2 * place + 1] = dev
    groups[place] = group + 1
  }

  function grow(): void {
    const [oldInodes, oldGroups] = [inodes, groups]
    inodes = new BigUint64Array(2 * oldInodes.length)
    groups = new Uint32Array(2 * oldGroups.length)
    for (const [old, number] of oldGroups.entries()) {
      if (number === 0) continue
      const [ino, dev] = [oldInodes[2 * old] ?? 0n, oldInodes[2 * old + 1] ?? 0n]
      put(placeOf(dev, ino), dev, ino, number - 1)
    }
  }
}
