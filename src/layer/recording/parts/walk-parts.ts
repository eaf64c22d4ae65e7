import type {MessagePort, ResourceLimits, Worker} from 'node:worker_threads'
import {startThread} from '../../../program/program-file.js'
import {type ByteString, fromText} from '../../byte-string.js'
import {ignoreRules} from '../../tree/ignore-rules.js'
import {isSame} from '../../tree/unchanged-file.js'
import {prefixOf} from '../../tree/walk.js'
import {createInodeGroups} from '../../tree/inode-groups.js'
import type {Tree, WalkedEntry} from '../../tree/walked-entry.js'
import type {WalkedParts} from '../recorded-walk.js'
import {replay} from '../replay.js'
import {RowReader} from '../rows/packed-rows.js'
import {linked} from './linked.js'
import {listParts} from './list-parts.js'
import {
  beats,
  type FoundPart,
  free,
  kept,
  type PartWork,
  waiting,
  walked,
  walking,
  wordCount,
  wordOf,
} from './part-words.js'

/**
 * Entries of a walk before threads begin. They take 0.3 CPU seconds before their code is as fast as
 * that of the caller, who walks as many as these in that time.
 */
const usualStart = 50_000
/** Threads, at most: the caller takes what they find, which binds from then on. */
const mostThreads = 3
/** Milliseconds without anything found by any thread, after which none is waited for. */
const patience = 5_000

const resourceLimits: ResourceLimits = {maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 1024}

/**
 * The caller walks from the first part on, and `jobs` - 1 threads from the last one to the first,
 * until they meet. What threads cannot say of a part (warnings, attributes, errors) the caller
 * finds when it walks that part itself, as it does when there can be no threads, or when they come
 * to nothing. Threads start once the walk has `start` entries.
 */
export function walkParts(tree: Tree, jobs: number, start = usualStart): WalkedParts {
  const prefixLength = prefixOf(tree.path).length
  let entries = 0
  let threads: PartThreads | undefined
  const inodes = createInodeGroups()
  const rowsWithin: WalkedParts['rowsWithin'] = (relative, state) => threads?.take(relative, state)
  const replayed = {oddOnes: [], folder: `${fromText(tree.directory)}/`, prefixLength}
  return {
    shared: {
      inodes,
      walkedAlready(relative, state) {
        const rows = rowsWithin(relative, state)
        return rows && linkedOf(replay({...replayed, rows}, true))
      },
    },
    rowsWithin,
    isBusy: (relative) => threads?.isBusy(relative) === true,
    count({entry}) {
      if (++entries === start && jobs > 1)
        threads = startThreads(tree, {count: jobs - 1, at: entry.path.slice(prefixLength)})
    },
    close: () => threads?.close(),
  }

  function* linkedOf(entries: Iterable<WalkedEntry>): Generator<WalkedEntry> {
    for (const walked of entries) yield linked(walked, inodes)
  }
}

interface PartThreads {
  readonly isBusy: WalkedParts['isBusy']
  readonly take: WalkedParts['rowsWithin']
  close(): void
}

/** `at`: where the walk is, relative to the tree. */
function startThreads(
  tree: Tree,
  {count, at}: {readonly count: number; readonly at: ByteString},
): PartThreads | undefined {
  const {directory, exclude} = tree
  const parts = listParts(directory, ignoreRules(directory, exclude))
  const numbers = new Map(parts.map((part, number) => [part, number]))
  const words = new Int32Array(new SharedArrayBuffer(4 * wordCount(parts.length)))
  const firstLeft = parts.findIndex((part) => orderOf(part) > orderOf(at))
  const left = firstLeft === -1 ? 0 : parts.length - firstLeft
  for (let part = 0; part < parts.length - left; part++) words[wordOf(part)] = kept
  const work: PartWork = {tree, parts, words}
  const threads: PartThread[] = []
  try {
    while (threads.length < Math.min(count, mostThreads, left)) threads.push(startPartThread(work))
  } catch {
    // without them the caller walks all
  }
  const found = new Map<number, FoundPart['found']>()
  let areLost = false
  let last = {beats: -1, time: 0}
  return {
    isBusy(relative) {
      const part = numbers.get(relative)
      if (part === undefined || areLost) return false
      if (Atomics.load(words, wordOf(part)) !== walking) return false
      const now = {beats: Atomics.load(words, beats), time: performance.now()}
      if (now.beats !== last.beats) last = now
      return now.time - last.time < patience
    },
    take(relative, state) {
      const part = numbers.get(relative)
      if (part === undefined || areLost) return undefined
      if (Atomics.compareExchange(words, wordOf(part), free, kept) === free) return undefined
      if (!isWalked(part)) return undefined
      for (const {port} of threads) receive(port)
      const taken = found.get(part)
      found.delete(part)
      if (!taken) return undefined
      Atomics.sub(words, waiting, taken.bytes)
      if (!isSame(taken.state, state)) return undefined
      return new RowReader(taken)
    },
    close() {
      for (const {worker, port} of threads) {
        void worker.terminate()
        port.close()
      }
    },
  }

  /** Waits for a thread that walks the part; `false` if none does, or comes to its end. */
  function isWalked(part: number): boolean {
    const word = wordOf(part)
    for (;;) {
      const before = Atomics.load(words, beats)
      const now = Atomics.load(words, word)
      if (now === walked || now === kept) return now === walked
      const result = Atomics.wait(words, word, now, patience)
      if (result === 'timed-out' && Atomics.load(words, beats) === before) {
        areLost = true
        return false
      }
    }
  }

  function receive(port: MessagePort): void {
    const {receiveMessageOnPort} = process.getBuiltinModule('node:worker_threads')
    for (;;) {
      const next = receiveMessageOnPort(port) as {readonly message: FoundPart} | undefined
      if (!next) return
      found.set(next.message.part, next.message.found)
    }
  }
}

interface PartThread {
  readonly worker: Worker
  readonly port: MessagePort
}

function startPartThread(work: PartWork): PartThread {
  const {MessageChannel} = process.getBuiltinModule('node:worker_threads')
  const {port1, port2} = new MessageChannel()
  const worker = startThread(new URL('part-worker.js', import.meta.url), {
    workerData: {...work, port: port2},
    transferList: [port2],
    resourceLimits,
  })
  // the parts that it does not come to are walked by the caller
  worker.on('error', () => undefined)
  worker.unref()
  return {worker, port: port1}
}

/** Compares as a walk goes: what is in a directory comes before what comes after it. */
function orderOf(path: ByteString): ByteString {
  return path.replaceAll('/', '\0')
}
