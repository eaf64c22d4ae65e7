/** Adds up what the disk gets back when files go that may have more names than one. */
export interface FreedCount {
  /** One name of `file` goes; `pooled` is what the pool has under its digest. */
  add(file: FileLinks, pooled: FileLinks | undefined): void
  bytes(): number
}

interface FileLinks {
  readonly ino: number
  readonly nlink: number
  readonly size: number
}

/** A file with several names is gone with the last of them; the pool's goes by itself. */
export function createFreedCount(): FreedCount {
  const left = new Map<number, number>()
  let bytes = 0
  return {
    add(file, pooled) {
      const others = pooled?.ino === file.ino ? file.nlink - 1 : file.nlink
      const names = (left.get(file.ino) ?? others) - 1
      if (names <= 0) bytes += file.size
      if (names > 0) left.set(file.ino, names)
      else left.delete(file.ino)
    },
    bytes: () => bytes,
  }
}
