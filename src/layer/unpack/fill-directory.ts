import {fstatSync, type Stats} from 'node:fs'
import {keepAlive} from '../../disk/folder-life.js'
import {localIoError} from '../../disk/local-io-error.js'
import type {LockTiming} from '../../disk/lock-timing.js'
import {readable} from '../byte-string.js'
import type {EntryMetadata} from '../entry.js'
import {unmarkFolder} from '../folder-mark.js'
import {createExtraction, type Extraction, type ExtractionOptions} from './entries/extract.js'
import type {OpenFolder} from './folders/open-folder.js'
import {moveInside, type PutOptions, refill, swap} from './put-in-place.js'
import {refillReason, refuseMountsBelow} from './folders/mounts.js'
import {removeIn} from './folders/remove-deep.js'
import {safeRoot} from './safe-root.js'
import {
  likeBefore,
  makeStagingFolder,
  markIfNeeded,
  openStaging,
  openStill,
} from './folders/staging-folder.js'
import {openTreeRoot, type TreeRoot} from './folders/tree-root.js'
import {clockBeside, prepareTarget, type UnpackTarget} from './target.js'

export interface FillOptions {
  /** As the user names it. It may be missing, but not the folder that it is in. */
  readonly directory: string
  /** Replace what is in it. */
  readonly force: boolean
  /** The last name of the path may be a symbolic link, and what that leads to is filled. */
  readonly follow?: boolean | undefined
  /** Long runs of zeros in files take no space. Default: they do not. */
  readonly holes?: boolean | undefined
  /** Look at each file when it is written. */
  readonly states?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  readonly onWarning?: ((message: string) => void) | undefined
  /** How runs show that they live; all of one directory must agree on it. */
  readonly timing?: LockTiming | undefined
}

export interface FilledDirectory<T> {
  readonly result: T
  /**
   * Why the directory could not be replaced as a whole and was filled name by name, one clause;
   * `undefined` when it was replaced.
   */
  readonly refilled: string | undefined
}

/** A directory that has taken the place of the one before. */
export interface ReplacedPlace {
  readonly tree: TreeRoot
  /** Nanoseconds since the epoch: when its content changed last, as of before. */
  readonly changed: bigint
  /** Nanoseconds since the epoch, by the clock of its file system. */
  readonly clock: () => bigint
}

/**
 * What `write` gives: its result, and what the directory itself is to be like (as it was before, or
 * as new ones are, when undefined).
 */
export interface Written<T> {
  readonly result: T
  readonly root: EntryMetadata | undefined
  /** Called when everything is written, and nobody else can have changed it yet. */
  readonly settle?: ((tree: TreeRoot) => Promise<void>) | undefined
  /** Called when the directory was replaced as a whole, and the content before is removed. */
  readonly replaced?: ((place: ReplacedPlace) => Promise<void>) | undefined
}

/**
 * Gives `directory` the content that `write` puts into a private folder: all of it at once, after
 * everything has succeeded. Until then, and after any failure, the directory is what it was, and
 * nothing else is left. `write` is not called when its work could not be used.
 */
export async function fillDirectory<T>(
  options: FillOptions,
  write: (extraction: Extraction) => Promise<Written<T>>,
): Promise<FilledDirectory<T>> {
  const {force, signal, follow = false, onWarning = () => undefined, timing} = options
  const {holes, states} = options
  const target = await prepareTarget(options.directory, {force, follow, onWarning, signal, timing})
  try {
    return await fillTarget(target, {force, signal, onWarning, holes, states}, write)
  } finally {
    target.close()
  }
}

async function fillTarget<T>(
  target: UnpackTarget,
  {force, signal, onWarning, ...how}: Pick<FillOptions, 'signal'> & ExtractionOptions & PutOptions,
  write: (extraction: Extraction) => Promise<Written<T>>,
): Promise<FilledDirectory<T>> {
  const {path, parent} = target
  let refilled = target.folder && refillReason(path, target.folder, parent)
  let staging = makeStagingFolder(target, refilled === undefined ? 'beside' : 'inside')
  let late: OpenFolder | undefined
  let own: Stats | undefined
  try {
    const opened = openStaging(staging)
    own = fstatSync(opened.descriptor)
    const isBeside = refilled === undefined
    const result = await withExtraction(
      markIfNeeded(opened, staging),
      {onWarning, ...how},
      async (extraction, tree) => {
        const describeAsBefore = likeBefore(tree, target)
        const written = await alive(tree, () => write(extraction))
        const root = written.root && safeRoot(written.root, target, onWarning)
        await extraction.finish(signal)
        // from here on it can become the directory
        if (isBeside) unmarkFolder(tree)
        await written.settle?.(tree)
        signal?.throwIfAborted()
        openStill(tree, staging).close()
        if (force) refuseMountsBelow(path)
        if (refilled === undefined) {
          if (root) extraction.describeRoot(root)
          else describeAsBefore()
          const changed = fstatSync(tree.descriptor, {bigint: true}).mtimeNs
          if (await swap(staging, target, {force, onWarning})) {
            await written.replaced?.({tree, changed, clock: () => clockBeside(target)})
            return written.result
          }
          refilled = 'the system does not let it be replaced'
          // it may have come into being, or have been replaced, since the run began
          late = openTarget(target)
          staging = moveInside(staging, late, tree, target)
        }
        await alive(tree, () => refill(staging, tree, target, {force}))
        if (root) await applyRootMetadata(staging.folder, root, onWarning)
        return written.result
      },
    )
    return {result, refilled}
  } finally {
    await removeIn(staging.folder, staging.name, own).catch((error: unknown) => {
      onWarning(localIoError(error, 'remove', readable(staging.name)).message)
    })
    late?.close()
  }
}

/**
 * Runs `work` while others can see that the owner of the tree lives. Not longer: the directory gets
 * a time of its own in the end.
 */
async function alive<T>(tree: TreeRoot, work: () => Promise<T>): Promise<T> {
  const stop = keepAlive(tree.descriptor)
  try {
    return await work()
  } finally {
    stop()
  }
}

async function withExtraction<T>(
  tree: TreeRoot,
  {onWarning, ...how}: {readonly onWarning: (message: string) => void} & ExtractionOptions,
  work: (extraction: Extraction, tree: TreeRoot) => Promise<T>,
): Promise<T> {
  const extraction = createExtraction(tree, onWarning, how)
  try {
    return await work(extraction, tree)
  } finally {
    extraction.close()
    tree.close()
  }
}

function openTarget({parent, name, path}: UnpackTarget): OpenFolder {
  try {
    return parent.open(name)
  } catch (error) {
    throw localIoError(error, 'open', readable(path))
  }
}

/** A directory that stays has what it is like already, unless the layer says otherwise. */
async function applyRootMetadata(
  folder: OpenFolder,
  root: EntryMetadata,
  onWarning: (message: string) => void,
): Promise<void> {
  await withExtraction(openTreeRoot(folder.access('.')), {onWarning}, (extraction) => {
    extraction.describeRoot(root)
    return Promise.resolve()
  })
}
