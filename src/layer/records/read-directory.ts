import {closeSync, openSync, readSync} from 'node:fs'
import {localIoError} from '../../disk/local-io-error.js'
import {createTurn} from '../../stream/take-turns.js'
import {readable} from '../byte-string.js'
import {changed} from '../tree/file-state.js'
import {openFlags} from '../tree/unchanged-file.js'
import type {Entries, WalkedEntry, WalkedFile} from '../tree/walked-entry.js'
import type {EntryListener} from './read-layer.js'

/**
 * Reports all entries of a directory to `listener`, with their content; yields to other work in
 * between. Throws what the walk throws, `LocalIoError` for a file that cannot be read or is not as
 * long as it was, and the signal's reason.
 */
export async function readDirectory(
  entries: Entries,
  listener: EntryListener,
  signal: AbortSignal,
): Promise<void> {
  const turn = createTurn(signal)
  const buffer = Buffer.allocUnsafe(256 * 1024)
  for (const walked of entries('content')) {
    listener.entry(walked.entry)
    for (const bytes of walked.file ? contentOf(walked, walked.file, buffer) : []) {
      listener.data(bytes)
      if (turn.isOver()) await turn.giveTurn()
    }
    listener.entryEnd()
    if (turn.isOver()) await turn.giveTurn()
  }
}

/** The file's content, part by part, in `buffer`. */
function* contentOf({entry}: WalkedEntry, file: WalkedFile, buffer: Buffer): Generator<Uint8Array> {
  const {path, stat, descriptor: own} = file
  let descriptor: number | undefined
  let size = 0
  try {
    descriptor = own ?? openSync(path, openFlags)
    for (let read = -1; read !== 0; size += read) {
      read = readSync(descriptor, buffer, 0, buffer.length, null)
      if (read > 0) yield buffer.subarray(0, read)
    }
  } catch (error) {
    throw localIoError(error, 'read', readable(entry.path))
  } finally {
    // closes the files that the walk has opened
    if (own === undefined && descriptor !== undefined) closeSync(descriptor)
  }
  if (size !== Number(stat.size)) throw changed(entry.path)
}
