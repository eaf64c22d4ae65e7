import {readdir, rm, stat} from 'node:fs/promises'
import {join} from 'node:path'

/** What a folder of a cache may hold; no limit that is absent. */
export interface NewestLimits {
  readonly files?: number
  /** Of all files. */
  readonly bytes?: number
}

/**
 * Removes the oldest files of a folder, by modification time, until the others are within the
 * limits. Files whose name `isOwn` does not accept neither count nor go. Throws what the file
 * system throws.
 */
export async function keepNewest(
  folder: string,
  isOwn: (name: string) => boolean,
  {files: mostFiles = Infinity, bytes: mostBytes = Infinity}: NewestLimits,
): Promise<void> {
  const names = (await readdir(folder)).filter(isOwn)
  if (mostBytes === Infinity && names.length <= mostFiles) return
  const files = await Promise.all(
    names.map(async (name) => {
      const {size, mtimeMs} = await stat(join(folder, name))
      return {name, size, mtimeMs}
    }),
  )
  files.sort((a, b) => b.mtimeMs - a.mtimeMs)
  let bytes = 0
  for (const [at, {name, size}] of files.entries()) {
    bytes += size
    if (at >= mostFiles || bytes > mostBytes) await rm(join(folder, name), {force: true})
  }
}
