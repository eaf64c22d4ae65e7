// A thread that walks parts of a tree. It starts from one file, which bin/threads.mjs makes of this
// one and all that it imports: part-worker.js, beside this one and in dist.
import '../../../program/thread-flags.js'
import {lstatSync} from 'node:fs'
import {workerData} from 'node:worker_threads'
import {fromText, toPath} from '../../byte-string.js'
import {stateOf} from '../../tree/file-state.js'
import {prefixOf} from '../../tree/walk.js'
import {walkTree} from '../../tree/walk-tree.js'
import type {WalkedEntry} from '../../tree/walked-entry.js'
import {createRecord} from '../record.js'
import {
  beats,
  type FoundPart,
  free,
  kept,
  type PartWorkerData,
  waiting,
  walked,
  walking,
  wordOf,
} from './part-words.js'

const {tree, parts, words, port} = workerData as PartWorkerData

/** Bytes of rows that wait for the other thread, which takes them in its own order. */
const mostWaiting = 24 * 1024 * 1024

let warnings = 0
/** One listener: what is said once of a tree is said of the first part, and by the other thread. */
const onWarning = (): void => {
  warnings++
}

for (let part = parts.length - 1; part >= 0; part--) {
  if (Atomics.load(words, waiting) > mostWaiting) break
  const before = Atomics.compareExchange(words, wordOf(part), free, walking)
  if (before === kept) break
  if (before !== free) continue
  const found = findPart(parts[part] ?? '')
  const message: FoundPart = {part, found}
  port.postMessage(message, found?.pieces.map(({buffer}) => buffer) ?? [])
  Atomics.store(words, wordOf(part), walked)
  Atomics.notify(words, wordOf(part))
}

/** Each piece goes to the other thread as it is; the last one may hold little. */
function trimmed(piece: Uint8Array): Uint8Array<ArrayBuffer> {
  const {buffer, length} = piece
  const isFull = buffer instanceof ArrayBuffer && 2 * length > buffer.byteLength
  return isFull ? new Uint8Array(buffer, 0, length) : new Uint8Array(piece)
}

/** A symbolic link with several names, which rows of a whole walk do not hold. */
function isOddLink({entry, shared}: WalkedEntry): boolean {
  return shared !== undefined && entry.kind !== 'file'
}

function findPart(relative: string): FoundPart['found'] {
  const before = warnings
  const record = createRecord(prefixOf(tree.path).length)
  try {
    const access = toPath(`${fromText(tree.directory)}/${relative}`)
    const state = stateOf(lstatSync(access, {bigint: true}))
    for (const each of walkTree({tree, onWarning}, 'states', {within: relative})) {
      Atomics.add(words, beats, 1)
      if (warnings > before || isOddLink(each) || !record.add(each)) return undefined
    }
    const pieces = record.rows()?.pieces
    // nothing may come after what is warned of
    if (!pieces || warnings > before) return undefined
    const bytes = pieces.reduce((sum, {length}) => sum + length, 0)
    Atomics.add(words, waiting, bytes)
    return {pieces: pieces.map(trimmed), bytes, state}
  } catch {
    // the other thread comes to the same, in the order of the walk
    return undefined
  }
}
