// The thread that reads. It starts from one file, which bin/threads.mjs makes of this one and all
// that it imports: read-worker.js, beside this one and in dist.
import '../../../program/thread-flags.js'
import {createHash} from 'node:crypto'
import {parentPort, receiveMessageOnPort} from 'node:worker_threads'
import {crc32} from 'node:zlib'
import {InjectError} from '../../../errors.js'
import {type BlockRule, ownBlocks} from '../../compress/blocks.js'
import {foundEntries} from '../../recording/found-entries.js'
import {heldIn} from '../../recording/held-entries.js'
import {withFileXattrs} from '../../tree/file-xattrs.js'
import {walkTree} from '../../tree/walk-tree.js'
import type {WalkedEntry} from '../../tree/walked-entry.js'
import {countEntries} from '../blocks/count-entries.js'
import {tarBlocks, type TarItem, UnreadFile} from '../blocks/tar-blocks.js'
import {writeTar} from '../blocks/write-tar.js'
import {type Batch, readBatch} from './batch.js'
import type {
  ReaderAnswer,
  ReaderMessage,
  ReaderTask,
  ReadSum,
  RingToFill,
  RowsTask,
} from './reader-message.js'
import {
  awaitFed,
  awaitState,
  countEaten,
  end,
  free,
  full,
  inputAt,
  setLength,
  setState,
  tellFull,
} from './ring.js'
import {plainCause, plainError} from './thread-error.js'

/** What it fills, and the memory of that. */
interface Place extends RingToFill {
  readonly bytes: Buffer
}

/** Where blocks end does not matter to a hash; such small ones stay in a processor's cache. */
const hashedBlocks: BlockRule = {...ownBlocks, least: Infinity}
let hashedBlock: Buffer | undefined

/** The blocks of one tar, and its totals. */
interface Blocks {
  readonly blocks: Iterable<Buffer>
  readonly seen: () => ReadSum['seen']
  /** The error as data for the main thread; `undefined` for a bug. */
  readonly describe: (error: unknown) => ReaderAnswer | undefined
}

/** One listener, so that what one tar was warned of is not said again of the next. */
const onWarning = (text: string): void => post({kind: 'warning', text})

function entriesOf(task: Exclude<ReaderTask, Batch>): Iterable<WalkedEntry> {
  if ('rows' in task) return withFileXattrs(heldIn(task.rows), onWarning)
  const walk = {tree: task.tree, onWarning}
  return task.found
    ? foundEntries(task.found, walk)
    : walkTree(walk, 'content', {areLinksBare: true})
}

type Allocate = (length: number) => Buffer

function blocksOfEntries(
  entries: Iterable<WalkedEntry>,
  rule: BlockRule,
  allocate: Allocate,
): Blocks {
  const count = countEntries()
  return {
    blocks: writeTar(entries, rule, allocate, count),
    seen: () => ({...count.seen(), look: count.look()}),
    describe: (error) =>
      error instanceof InjectError ? {kind: 'failed', error: plainError(error)} : undefined,
  }
}

function blocksOfBatches(first: Batch, {ring, rule}: Place, allocate: Allocate): Blocks {
  let count = 0
  return {
    blocks: tarBlocks(items(), rule, allocate),
    seen: () => undefined,
    describe(error) {
      if (!(error instanceof UnreadFile)) return undefined
      const cause = error.cause && plainCause(error.cause)
      return {kind: 'unread', item: count, doing: error.doing, cause}
    },
  }

  function* items(): Generator<TarItem> {
    for (let number = 0, batch = first; ; number++) {
      for (const item of readBatch(batch)) {
        yield item
        count++
      }
      countEaten(ring)
      if (batch.isLast) return
      awaitFed(ring, number + 1)
      const next = parentPort && receiveMessageOnPort(parentPort)
      if (!next) throw new Error('a batch was announced and did not come')
      batch = next.message as Batch
    }
  }
}

/** Hashes a tar, then reports its totals, or what failed. */
function hashTar(task: RowsTask): void {
  const tar = blocksOfEntries(entriesOf(task), hashedBlocks, (length) => {
    hashedBlock ??= Buffer.allocUnsafeSlow(hashedBlocks.large)
    return hashedBlock.subarray(0, length)
  })
  report(tar, () => {
    const hash = createHash('sha256')
    let size = 0
    for (const part of tar.blocks) {
      hash.update(part)
      size += part.length
    }
    return {digest: hash.digest('hex'), crc: 0, size}
  })
}

/** Fills the ring with the blocks of a tar, then reports its totals, or what failed. */
function fillRing(task: ReaderTask, place: Place): void {
  const {ring, rule, hasCrc, bytes} = place
  let block = 0
  const tar =
    'headers' in task
      ? blocksOfBatches(task, place, allocate)
      : blocksOfEntries(entriesOf(task), rule, allocate)
  report(tar, () => {
    const hash = createHash('sha256')
    let crc = 0
    let size = 0
    for (const part of tar.blocks) {
      hash.update(part)
      size += part.length
      if (hasCrc) crc = crc32(part, crc)
      pass(part.length)
    }
    for (let thread = 0; thread < ring.shape.compressors; thread++) {
      awaitState(ring, block, free)
      pass(end)
    }
    return {digest: hash.digest('hex'), crc, size}
  })

  function allocate(length: number): Buffer {
    awaitState(ring, block, free)
    const at = inputAt(ring, block)
    return bytes.subarray(at, at + length)
  }

  function pass(length: number): void {
    setLength(ring, block, length)
    setState(ring, block, full)
    tellFull(ring, block)
    block++
  }
}

function report({seen, describe}: Blocks, read: () => Omit<ReadSum, 'seen'>): void {
  try {
    const sum = read()
    post({kind: 'sum', sum: {...sum, seen: seen()}})
  } catch (error) {
    const message = describe(error)
    if (!message) throw error
    post(message)
  }
}

function post(message: ReaderMessage): void {
  parentPort?.postMessage(message)
}

let place: Place | undefined
parentPort?.on('message', (message: ReaderTask | RingToFill) => {
  if ('ring' in message) place = {...message, bytes: Buffer.from(message.ring.memory.buffer)}
  else if ('rows' in message && message.isHashed === true) hashTar(message)
  else if (place) fillRing(message, place)
  else throw new Error('there is no ring to fill')
})
