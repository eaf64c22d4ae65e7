// The file of a repository's index: kept in memory for as long as it stays the same.
import {lstat} from 'node:fs/promises'
import {localIoError} from '../../../disk/local-io-error.js'
import {writeTempFile} from '../../../disk/temp-file.js'
import {IntegrityError, LimitError, reworded} from '../../../errors.js'
import {readAll} from '../../../stream/limit.js'
import {streamOf} from '../../../stream/bytes.js'
import {ifAbsent, isAbsent} from '../../../disk/error-answers.js'
import {readFileStream} from '../../../disk/read-file.js'
import {keepIndexCopy} from '../../layout/index-copy.js'
import {layoutPaths, tempPrefix} from '../../layout/paths.js'
import type {RepositoryPlace} from '../../repository.js'
import {manifestLimit} from '../../../oci/manifest-kind.js'
import {decodeRepositoryIndex, formatRepositoryIndex, type RepositoryIndex} from './index-value.js'

export interface IndexFile {
  /**
   * As the file is now. Throws `IntegrityError` (`ERR_INJECT_LAYOUT_INVALID`) when it is missing or
   * no index.
   */
  read(): Promise<RepositoryIndex>
  /**
   * Replaces the file, for the holder of the layout's lock, which `confirm` confirms. `LimitError`
   * (`ERR_INJECT_INDEX_FULL`) for more than 4 MiB: nobody could read it.
   */
  write(index: RepositoryIndex, confirm: () => Promise<void>): Promise<void>
}

/** `name` is for messages. */
export function openIndexFile(place: RepositoryPlace, name: string): IndexFile {
  const {directory} = place
  const path = layoutPaths.index(directory)
  const where = `index.json of ${name}`
  let known: {stamp: string; index: RepositoryIndex} | undefined

  return {
    async read() {
      const stamp = await stampOf(path, name)
      if (known?.stamp === stamp) return known.index
      const bytes = await readAll(readFileStream(path), manifestLimit, where)
      const index = repairable(() => decodeRepositoryIndex(bytes, where))
      // a file that is replaced while it is read is read again the next time
      known = {stamp, index}
      return index
    },

    async write(index, confirm) {
      const text = formatRepositoryIndex(index)
      if (Buffer.byteLength(text) > manifestLimit) throw indexFull(where)
      const {mode} = await lstat(path).catch(ifAbsent({mode: 0o644}))
      const file = await writeTempFile(streamOf(Buffer.from(text)), {
        folder: directory,
        prefix: tempPrefix,
        mode: mode & 0o777,
      })
      try {
        const stamp = await stampOf(file.path, name)
        await file.commit(path, confirm)
        known = {stamp, index}
      } finally {
        await file.discard()
      }
      await keepIndexCopy(place, text)
    },
  }
}

/** Reads `index.json` once. */
export async function readIndexOnce(
  place: RepositoryPlace,
  name: string,
): Promise<RepositoryIndex> {
  return openIndexFile(place, name).read()
}

/** Tells one file from the next one of the same name: it is always replaced, never written into. */
async function stampOf(path: string, name: string): Promise<string> {
  try {
    const {ino, size, mtimeNs} = await lstat(path, {bigint: true})
    return `${ino}-${size}-${mtimeNs}`
  } catch (error) {
    if (!isAbsent(error)) throw localIoError(error, 'read', path)
    throw new IntegrityError('ERR_INJECT_LAYOUT_INVALID', `${name} has no index.json`, howToRepair)
  }
}

const howToRepair = {hint: 'rebuild it with inject store check ROOT --repair'}

/** Adds the hint how to rebuild a damaged file. */
function repairable<T>(decode: () => T): T {
  try {
    return decode()
  } catch (error) {
    if (!(error instanceof IntegrityError) || error.hint !== undefined) throw error
    throw reworded(error, error.message, howToRepair)
  }
}

function indexFull(where: string): LimitError {
  const message = `${where} would be larger than ${manifestLimit} bytes`
  return new LimitError('ERR_INJECT_INDEX_FULL', message, {
    expected: manifestLimit,
    hint: 'remove tags, or manifests without a tag: inject store prune --untagged',
  })
}
