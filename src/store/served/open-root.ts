import {lstat, stat} from 'node:fs/promises'
import {localIoError} from '../../disk/local-io-error.js'
import {acquireLock, type HeldLock, type LockOptions} from '../../disk/lock.js'
import {InjectError, LocalIoError, NotFoundError, UsageError} from '../../errors.js'
import {quoted} from '../../oci/quoted.js'
import {compareTags} from '../tags.js'
import {type HeldRoot, holdFolder} from './held-root.js'
import {checkLayout, createLayout, makeFolder} from '../layout/create.js'
import {ifAbsent, isAbsent} from '../../disk/error-answers.js'
import {statFile} from '../../disk/read-file.js'
import {layoutPaths} from '../layout/paths.js'
import {createKnownChildren} from './manifests/index-children.js'
import {createRecentBytes} from './manifests/recent-bytes.js'
import type {Repository, RepositoryRoot} from '../repository.js'
import {createRepositoryBlobs} from './blobs/blobs.js'
import {createRepositoryManifests} from './manifests/manifests.js'
import {
  findRepositories,
  findRoot,
  hasOwnFolder,
  isForeignFolder,
  isPartFolder,
  rootPaths,
} from '../layout/root-paths.js'
import {parseRepositoryName} from '../../oci/names/repository-name.js'
import {createLockQueue} from './blobs/lock-queue.js'
import {createSoundFiles} from './blobs/sound-files.js'
import type {LiveUpload} from './uploads/live-upload.js'
import {createUploadSessions, type UploadSessions} from './uploads/sessions.js'
import {createUploadSpace} from './uploads/space.js'
import {createPendingUploads} from './uploads/pending-uploads.js'

export interface OpenRootOptions extends Pick<LockOptions, 'takeOver' | 'onUnsure' | 'timing'> {
  /** Make the folder when it is not there. */
  readonly create?: boolean | undefined
  /**
   * Open beside a process that serves the root: each change is safe by the lock of its repository.
   */
  readonly shared?: boolean | undefined
  /** Write nothing at all: no leases, no quarantine; together with `shared`. */
  readonly readOnly?: boolean | undefined
  /** Only a folder that was served before, so that no other one is taken for one by mistake. */
  readonly served?: boolean | undefined
  /** Not a folder that holds other things, such as `/etc`: empty, served before, or of layouts. */
  readonly refuseForeign?: boolean | undefined
  /** How long an upload session may be idle before it is gone; 24 h. */
  readonly uploadIdleMs?: number | undefined
  /** How long one that nobody has written to is remembered; 10 min. */
  readonly uploadPendingMs?: number | undefined
  /**
   * How many bytes all unfinished uploads may take together; half of what is left on the disk,
   * beyond which only idle ones go.
   */
  readonly unfinishedSize?: number | undefined
  /** How long one must be idle before it may go for that; 1 min. */
  readonly uploadQuietMs?: number | undefined
  /** How many upload sessions a repository may have at a time; 1,000. */
  readonly uploadsPerRepository?: number | undefined
  /**
   * How long a file that was read whole, or written, and found right is served without being hashed
   * again, as long as nobody changes it; 1 h.
   */
  readonly soundMs?: number | undefined
}

/**
 * Opens a folder of repositories to serve it: until `close` nobody else does, and a process that
 * was killed does not count. Where another process has taken the folder, `lost` aborts, and nothing
 * is written any more. Throws `LocalIoError` (`ERR_INJECT_ROOT_IN_USE`) when somebody does,
 * `NotFoundError` (`ERR_INJECT_ROOT_NOT_FOUND`) when the folder is not there, `UsageError`
 * (`ERR_INJECT_NOT_A_ROOT`) when it is a layout itself, or, for `served`, was never served.
 */
export async function openRepositoryRoot(
  directory: string,
  options: OpenRootOptions = {},
): Promise<RepositoryRoot> {
  const {create: isMade = false, shared = false, readOnly = false, served = false} = options
  if (isMade) await makeFolder(directory)
  else if (!(await isFolder(directory))) throw rootNotFound(directory)
  await refuseOtherFolder(directory, served)
  if (options.refuseForeign === true) await refuseForeignFolder(directory)
  const held = await holdFolder(directory)
  const lock = shared ? undefined : await holdRoot(directory, held, options)
  const lockQueue = createLockQueue(lock)
  const recent = createRecentBytes()
  const children = createKnownChildren()
  const sound = createSoundFiles({maxAgeMs: options.soundMs})
  const live = new Map<string, LiveUpload>()
  const opened = new Map<string, Repository>()
  const uploads = new Map<string, UploadSessions>()
  const pending = createPendingUploads({maxAgeMs: options.uploadPendingMs})
  const space = createUploadSpace({
    root: directory,
    live,
    most: options.unfinishedSize,
    quietMs: options.uploadQuietMs ?? 60_000,
  })

  const uploadsOf = (name: string): UploadSessions => {
    const known = uploads.get(name)
    if (known !== undefined) return known
    const place = {root: directory, directory: rootPaths.repository(directory, name)}
    const sessions = createUploadSessions({
      place,
      name: quoted(name),
      live,
      pending,
      space,
      ensure: () => create(name),
      idleMs: options.uploadIdleMs ?? 86_400_000,
      limit: options.uploadsPerRepository ?? 1000,
      sound,
      confirm: async () => lock?.confirm(),
    })
    // looking one up clears it away when it has expired
    const own = readOnly ? {...sessions, resumeUpload: () => Promise.resolve(undefined)} : sessions
    uploads.set(name, own)
    dropOldest(uploads)
    return own
  }

  const toRepository = (name: string): Repository => {
    const place = {root: directory, directory: rootPaths.repository(directory, name)}
    const title = quoted(name)
    const blobs = createRepositoryBlobs({place, name: title, lockQueue, sound, readOnly})
    return {
      name,
      ...blobs,
      ...createRepositoryManifests({
        place,
        name: title,
        blobs,
        lockQueue,
        recent,
        children,
      }),
      ...uploadsOf(name),
      async mountBlob(digest, from, {signal} = {}) {
        signal?.throwIfAborted()
        return blobs.linkFrom(digest, rootPaths.repository(directory, parseRepositoryName(from)))
      },
      close: () => Promise.resolve(),
    }
  }

  const open = async (name: string): Promise<Repository | undefined> => {
    const folder = rootPaths.repository(directory, parseRepositoryName(name))
    // asked each time: somebody may have removed the folder, or made another one in its place
    if ((await statFile(layoutPaths.marker(folder))) === undefined) {
      await held.check()
      opened.delete(name)
      return undefined
    }
    const known = opened.get(name)
    if (known !== undefined) return known
    await checkLayout(folder)
    const repository = opened.get(name) ?? toRepository(name)
    opened.set(name, repository)
    dropOldest(opened)
    return repository
  }

  const create = async (name: string): Promise<Repository> => {
    const known = await open(name)
    if (known !== undefined) return known
    const folder = rootPaths.repository(directory, name)
    await held.check()
    await lock?.confirm()
    await createLayout(folder, {beside: isPartFolder, within: directory})
    const made = await open(name)
    if (made === undefined) throw rootNotFound(folder)
    return made
  }

  return {
    directory,
    lost: lock?.signal,
    check: held.check,
    openRepository: open,

    createRepository: create,

    async startUpload(name, call) {
      parseRepositoryName(name)
      await held.check()
      return uploadsOf(name).startUpload(call)
    },

    async resumeUpload(name, id, call) {
      parseRepositoryName(name)
      await held.check()
      return uploadsOf(name).resumeUpload(id, call)
    },

    async *listRepositories({signal} = {}) {
      const names: string[] = []
      for await (const name of findRepositories(directory, signal)) names.push(name)
      await held.check()
      yield* names.sort(compareTags)
    },

    async close() {
      await lock?.release()
      await held.close()
    },
  }
}

function dropOldest(kept: Map<string, unknown>): void {
  for (const oldest of kept.keys()) {
    if (kept.size <= mostOpened) return
    kept.delete(oldest)
  }
}

/** Repositories keep their index in memory; opening one again costs reading that. */
const mostOpened = 1000

/**
 * Resolves when the lock is held. Throws `LocalIoError` (`ERR_INJECT_ROOT_IN_USE`) when a living
 * process has it.
 */
async function holdRoot(
  directory: string,
  held: HeldRoot,
  options: OpenRootOptions,
): Promise<HeldLock> {
  try {
    return await lockRoot(directory, options)
  } catch (error) {
    await held.close()
    throw error
  }
}

async function lockRoot(
  directory: string,
  {takeOver, onUnsure, timing}: OpenRootOptions,
): Promise<HeldLock> {
  await makeFolder(rootPaths.own(directory), directory)
  const path = rootPaths.lock(directory)
  try {
    return await acquireLock(path, {timeoutMs: 0, takeOver, onUnsure, timing})
  } catch (error) {
    const isHeld = error instanceof InjectError && error.code === 'ERR_INJECT_LOCKED'
    if (!isHeld || error.found === undefined) throw error
    const message = `${error.found} serves ${quoted(directory)} already: it holds the lock ${quoted(path)}`
    throw new LocalIoError('ERR_INJECT_ROOT_IN_USE', message, {
      cause: error,
      hint: 'stop it first, serve another folder, or take this one from it with --take-over',
    })
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if (isAbsent(error)) return false
    throw localIoError(error, 'read', path)
  }
}

async function refuseOtherFolder(directory: string, served: boolean): Promise<void> {
  if (await hasOwnFolder(directory)) return
  const isLayout =
    (await lstat(layoutPaths.marker(directory)).catch(ifAbsent(undefined))) !== undefined
  if (!isLayout && !served) return
  const root = await findRoot(directory)
  const what = isLayout
    ? 'is one OCI image layout, not a folder of them'
    : 'was never served by inject serve'
  const isInRoot = root === undefined ? '' : `; ${quoted(root)}, which it is in, is one`
  throw new UsageError('ERR_INJECT_NOT_A_ROOT', `${quoted(directory)} ${what}${isInRoot}`, {
    hint: `use ${root === undefined ? 'the folder that holds the repositories' : quoted(root)}`,
  })
}

async function refuseForeignFolder(directory: string): Promise<void> {
  if ((await hasOwnFolder(directory)) || !(await isForeignFolder(directory))) return
  const message = `${quoted(directory)} holds other files, and was never served`
  throw new UsageError('ERR_INJECT_NOT_A_ROOT', message, {
    hint: 'use an empty or new folder, or --force to serve this one',
  })
}

function rootNotFound(directory: string): NotFoundError {
  const message = `there is no folder ${quoted(directory)}`
  const hint = 'check the path: ROOT is the folder that inject serve serves'
  return new NotFoundError('ERR_INJECT_ROOT_NOT_FOUND', message, {hint})
}
