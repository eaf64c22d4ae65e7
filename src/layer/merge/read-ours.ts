import {closeSync, fstatSync, openSync, readSync} from 'node:fs'
import {localIoError} from '../../disk/local-io-error.js'
import {PreconditionError} from '../../errors.js'
import {display, readable} from '../byte-string.js'
import {changed} from '../tree/file-state.js'
import {isSameContent, openFlags} from '../tree/unchanged-file.js'
import type {WalkedEntry} from '../tree/walked-entry.js'
import {checkSize} from './merge-bytes.js'

/**
 * The content of a walked file; the walk must have the detail `states` or more. Throws
 * `PreconditionError` (`ERR_INJECT_NOT_A_FILE`) for anything else, `LimitError`
 * (`ERR_INJECT_MERGE_TOO_LARGE`), and `LocalIoError`, also for a file that has changed since.
 */
export function readOurs({entry, file, content, alone}: WalkedEntry): Uint8Array {
  if (content) return content
  if (alone) return readOurs(alone)
  if (!file) {
    throw new PreconditionError(
      'ERR_INJECT_NOT_A_FILE',
      `${display(entry.path)} is not a file, and cannot be merged`,
      {hint: 'merge the file that a symbolic link leads to'},
    )
  }
  const size = Number(file.stat.size)
  checkSize(size, readable(entry.path))
  let descriptor: number | undefined
  try {
    descriptor = openSync(file.path, openFlags)
    const bytes = Buffer.alloc(size)
    let filled = 0
    for (let got = -1; got !== 0 && filled < size; filled += got)
      got = readSync(descriptor, bytes, filled, size - filled, filled)
    if (filled < size || !isSameContent(fstatSync(descriptor, {bigint: true}), file.stat))
      throw changed(entry.path)
    return bytes
  } catch (error) {
    throw localIoError(error, 'read', readable(entry.path))
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}
