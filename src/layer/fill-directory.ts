import {fstatSync, lstatSync} from 'node:fs'
import {keepAlive} from '../disk/folder-life.js'
import {localIoError} from '../disk/local-io-error.js'
import type {LockTiming} from '../disk/lock-timing.js'
import {LocalIoError} from '../errors.js'
import {type ByteString, display, readable, toPath} from './byte-string.js'
import type {EntryMetadata} from './entry.js'
import {createExtraction, type Extraction} from './extract.js'
import {moveInside, refill, swap} from './put-in-place.js'
import {refillReason, refuseMountsBelow} from './refill-reason.js'
import {removeDeep} from './remove-deep.js'
import {likeBefore, makeStagingFolder} from './staging-folder.js'
import {openTreeRoot, type TreeRoot} from './tree-root.js'
import {prepareTarget, type UnpackTarget} from './unpack-target.js'

export interface FillOptions {
  /** As the user names it. It may be missing, but not the folder that it is in. */
  readonly directory: string
  /** Replace what is in it. */
  readonly force: boolean
  readonly signal?: AbortSignal | undefined
  readonly onWarning?: ((message: string) => void) | undefined
  /** How runs show that they live; all of one directory must agree on it. */
  readonly timing?: LockTiming | undefined
}

export interface FilledDirectory<T> {
  readonly result: T
  /** Why the directory could not be replaced as a whole and was filled name by name, one clause; `undefined` when it was replaced. */
  readonly refilled: string | undefined
}

/** What `write` gives: its result, and what the directory itself is to be like (as it was before, or as new ones are, when undefined). */
export interface Written<T> {
  readonly result: T
  readonly root: EntryMetadata | undefined
}

/**
 * Gives `directory` the content that `write` puts into a private folder: all of it at once, after everything has succeeded. Until then, and
 * after any failure, the directory is what it was, and nothing else is left. `write` is not called when its work could not be used.
 */
export async function fillDirectory<T>(
  options: FillOptions,
  write: (extraction: Extraction) => Promise<Written<T>>,
): Promise<FilledDirectory<T>> {
  const {force, signal, onWarning = () => undefined} = options
  const target = await prepareTarget(options.directory, {
    force,
    onWarning,
    signal,
    timing: options.timing,
  })
  let refilled = target.exists ? refillReason(target.path, target.parent) : undefined
  let staging = makeStagingFolder(target, refilled === undefined ? 'beside' : 'inside')
  try {
    const result = await withExtraction(staging, onWarning, async (extraction, tree) => {
      const describeAsBefore = likeBefore(tree, target)
      const written = await alive(tree, () => write(extraction))
      extraction.finish()
      signal?.throwIfAborted()
      assertStill(tree, staging)
      if (force) refuseMountsBelow(target.path)
      if (refilled === undefined) {
        if (written.root) extraction.describeRoot(written.root)
        else describeAsBefore()
        if (await swap(staging, target, {force, onWarning})) return written.result
        refilled = 'the system does not let it be replaced'
        staging = moveInside(staging, target, tree)
      }
      await alive(tree, () => refill(staging, target, {force}))
      await describe(target, written.root, onWarning)
      return written.result
    })
    return {result, refilled}
  } finally {
    await removeDeep(staging).catch((error: unknown) => {
      onWarning(localIoError(error, 'remove', readable(staging)).message)
    })
  }
}

/** Runs `work` while others can see that the owner of the tree lives. Not longer: the directory gets a time of its own in the end. */
async function alive<T>(tree: TreeRoot, work: () => Promise<T>): Promise<T> {
  const stop = keepAlive(tree.descriptor)
  try {
    return await work()
  } finally {
    stop()
  }
}

async function withExtraction<T>(
  folder: ByteString,
  onWarning: (message: string) => void,
  work: (extraction: Extraction, tree: TreeRoot) => Promise<T>,
): Promise<T> {
  const tree = open(folder)
  const extraction = createExtraction(tree, onWarning)
  try {
    return await work(extraction, tree)
  } finally {
    extraction.close()
    tree.close()
  }
}

function open(folder: ByteString): TreeRoot {
  try {
    return openTreeRoot(folder)
  } catch (error) {
    throw localIoError(error, 'open', readable(folder))
  }
}

/** Who may rename things in the folder above could have put something else under our name. */
function assertStill(tree: TreeRoot, staging: ByteString): void {
  const ours = fstatSync(tree.descriptor)
  const found = lstatSync(toPath(staging), {throwIfNoEntry: false})
  if (found?.ino === ours.ino && found.dev === ours.dev) return
  throw new LocalIoError(
    'ERR_INJECT_DIRECTORY_CHANGED',
    `somebody replaced ${display(staging)} while it was written`,
    {hint: 'unpack into a folder that only you can write in'},
  )
}

/** A directory that stays has what it is like already, unless the layer says otherwise. */
async function describe(
  target: UnpackTarget,
  root: EntryMetadata | undefined,
  onWarning: (message: string) => void,
): Promise<void> {
  if (root === undefined) return
  await withExtraction(target.path, onWarning, (extraction) => {
    extraction.describeRoot(root)
    return Promise.resolve()
  })
}
