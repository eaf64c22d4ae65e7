// A second copy of a repository's `index.json`, as a separate file: the tags are the only part of a
// repository that cannot be rebuilt from its blobs.
import {rename, writeFile} from 'node:fs/promises'
import {dirname} from 'node:path'
import {ifAbsent, quietly, saysAbsent} from '../../disk/error-answers.js'
import {readFileStream, statFile} from '../../disk/read-file.js'
import {manifestLimit} from '../../oci/manifest-kind.js'
import {readAll} from '../../stream/limit.js'
import type {RepositoryPlace} from '../repository.js'
import {makeFolder} from './create.js'
import {rootPaths} from './root-paths.js'

/**
 * Keeps `text`, which has just become the repository's `index.json`. The caller holds the layout's
 * lock. Never throws: a push does not fail because the copy cannot be kept. It is not synced:
 * `index.json` is, and only one of the two has to survive.
 */
export async function keepIndexCopy(place: RepositoryPlace, text: string): Promise<void> {
  const path = rootPaths.indexCopy(place.root, place.directory)
  // only the holder of the lock writes it, so a leftover of a killed process is overwritten
  const fresh = `${path}.new`
  const write = (): Promise<void> => writeFile(fresh, text, {mode: 0o644})
  await quietly(
    write()
      .catch(async (error: unknown) => {
        if (!saysAbsent(error)) throw error
        await makeFolder(dirname(path), place.root)
        await write()
      })
      .then(() => rename(fresh, path)),
  )
}

/** The copy, and when it was made; `undefined` if there is none. Throws `LocalIoError`. */
export async function readIndexCopy({
  root,
  directory,
}: RepositoryPlace): Promise<{readonly bytes: Uint8Array; readonly time: Date} | undefined> {
  const path = rootPaths.indexCopy(root, directory)
  const stats = await statFile(path).catch(ifAbsent(undefined))
  if (stats === undefined) return undefined
  const bytes = await readAll(readFileStream(path), manifestLimit, 'the copy of index.json')
  return {bytes, time: new Date(stats.mtimeMs)}
}
