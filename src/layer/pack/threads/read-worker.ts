// The thread that reads. It starts from one file, which bin/threads.mjs makes of this one and all
// that it imports: read-worker.js, beside this one and in dist.
import '../../../program/thread-flags.js'
import {createHash} from 'node:crypto'
import {parentPort, receiveMessageOnPort, workerData} from 'node:worker_threads'
import {crc32} from 'node:zlib'
import {InjectError} from '../../../errors.js'
import {ringBell} from '../../bell.js'
import type {BlockRule} from '../../compress/blocks.js'
import {foundEntries} from '../../recording/found-entries.js'
import {heldIn} from '../../recording/held-entries.js'
import {withFileXattrs} from '../../tree/file-xattrs.js'
import {walkTree} from '../../tree/walk-tree.js'
import type {WalkedEntry} from '../../tree/walked-entry.js'
import {countEntries} from '../blocks/count-entries.js'
import {tarBlocks, type TarItem, UnreadFile} from '../blocks/tar-blocks.js'
import {writeTar} from '../blocks/write-tar.js'
import {type Batch, readBatch} from './batch.js'
import type {ReaderMessage, ReaderTask, ReadSum} from './reader-message.js'
import {
  awaitFed,
  awaitState,
  countEaten,
  end,
  free,
  full,
  inputAt,
  type Ring,
  setLength,
  setState,
} from './ring.js'
import {plainCause, plainError} from './thread-error.js'

const {ring, rule, hasCrc} = workerData as {
  readonly ring: Ring
  readonly rule: BlockRule
  readonly hasCrc: boolean
}
const bytes = Buffer.from(ring.memory.buffer)
let own: Buffer | undefined

/** The blocks of one tar, and its totals. */
interface Blocks {
  readonly blocks: Iterable<Buffer>
  readonly seen: () => ReadSum['seen']
  /** The error as data for the main thread; `undefined` for a bug. */
  readonly describe: (error: unknown) => ReaderMessage | undefined
}

/** One listener, so that what one tar was warned of is not said again of the next. */
const onWarning = (text: string): void => post({kind: 'warning', text})

function entriesOf(task: Exclude<ReaderTask, Batch>): Iterable<WalkedEntry> {
  if ('rows' in task) return withFileXattrs(heldIn(task.rows), onWarning)
  const walk = {tree: task.tree, onWarning}
  return task.found ? foundEntries(task.found, walk) : walkTree(walk, 'content')
}

function blocksOfEntries(
  entries: Iterable<WalkedEntry>,
  allocate: (length: number) => Buffer,
): Blocks {
  const count = countEntries()
  return {
    blocks: writeTar(entries, rule, allocate, count),
    seen: () => ({...count.seen(), look: count.look()}),
    describe: (error) =>
      error instanceof InjectError ? {kind: 'failed', error: plainError(error)} : undefined,
  }
}

function blocksOfBatches(first: Batch, allocate: (length: number) => Buffer): Blocks {
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

/** Fills the ring with the blocks of a tar, then reports its totals, or what failed. */
function readTar(task: ReaderTask): void {
  let block = 0
  const isHashed = 'rows' in task && task.isHashed === true
  const {blocks, seen, describe} =
    'headers' in task
      ? blocksOfBatches(task, allocate)
      : blocksOfEntries(entriesOf(task), isHashed ? allocateHere : allocate)
  const hash = createHash('sha256')
  let crc = 0
  let size = 0
  try {
    for (const part of blocks) {
      hash.update(part)
      size += part.length
      if (isHashed) continue
      if (hasCrc) crc = crc32(part, crc)
      pass(part.length)
    }
    for (let thread = 0; !isHashed && thread < ring.shape.compressors; thread++) {
      awaitState(ring, block, free)
      pass(end)
    }
    post({kind: 'sum', sum: {digest: hash.digest('hex'), crc, size, seen: seen()}})
  } catch (error) {
    const message = describe(error)
    if (!message) throw error
    post(message)
  }
  ringBell(ring)

  function allocate(length: number): Buffer {
    awaitState(ring, block, free)
    const at = inputAt(ring, block)
    return bytes.subarray(at, at + length)
  }

  function pass(length: number): void {
    setLength(ring, block, length)
    setState(ring, block, full)
    block++
  }
}

/** For blocks that nobody else needs, one at a time. */
function allocateHere(length: number): Buffer {
  own ??= Buffer.allocUnsafeSlow(rule.large)
  return own.subarray(0, length)
}

function post(message: ReaderMessage): void {
  parentPort?.postMessage(message)
}

parentPort?.on('message', readTar)
