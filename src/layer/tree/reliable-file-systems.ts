import {statfsSync} from 'node:fs'
import type {FileState} from './file-state.js'

/** Copies a file up under one of its names, and not under the others. */
const overlay = 0x794c_7630

/**
 * Local file systems of Linux that keep inodes and give every change a time of its own, by this
 * kernel's clock, in less than a second. Not among them are those whose server decides (NFS, SMB,
 * FUSE, 9p, Ceph) and those whose clock ticks in seconds (FAT).
 * https://man7.org/linux/man-pages/man2/statfs.2.html
 */
const reliable: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x5846_5342, // XFS
  0x9123_683e, // Btrfs
  0x0102_1994, // tmpfs
  0xf2f5_2010, // F2FS
  0x2fc1_2fc1, // ZFS
  0xca45_1a4e, // bcachefs
  overlay, // a file that is copied up gets a new time
])

/**
 * Whether the states of files on the file system of `path` show every change. `false` if that is
 * not known.
 */
export function isReliable(path: string | Buffer): boolean {
  const type = typeOf(path)
  return type !== undefined && reliable.has(type)
}

/** Whether all names of a file are names of the same file until a directory changes. */
export function keepsLinks(path: string | Buffer): boolean {
  return isReliable(path) && typeOf(path) !== overlay
}

function typeOf(path: string | Buffer): number | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    return statfsSync(path).type
  } catch {
    return undefined
  }
}

/** Times without a fraction come from coarse clocks: ext3 and small inodes of ext4. */
export function isFine({ctimeNs}: Pick<FileState, 'ctimeNs'>): boolean {
  return ctimeNs % 1_000_000_000n !== 0n
}
