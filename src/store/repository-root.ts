import {stat} from 'node:fs/promises'
import {localIoError} from '../disk/local-io-error.js'
import {withLock} from '../disk/lock.js'
import {InjectError, LocalIoError, NotFoundError} from '../errors.js'
import {quoted} from '../oci/quoted.js'
import {compareTags} from './compare-tags.js'
import {checkLayout, createLayout, makeFolder} from './layout-create.js'
import {isAbsent, layoutPaths, statFile} from './layout-files.js'
import {createRecentBytes} from './recent-bytes.js'
import type {Repository, RepositoryRoot} from './repository.js'
import {createRepositoryBlobs} from './repository-blobs.js'
import {createRepositoryManifests} from './repository-manifests.js'
import {findRepositories, isPartFolder, parseRepositoryName, rootPaths} from './repository-paths.js'
import {createTurns} from './repository-turns.js'
import {createSoundFiles} from './sound-files.js'
import type {LiveUpload} from './upload-session.js'
import {createUploadSessions} from './upload-sessions.js'

export interface OpenRootOptions {
  /** Make the folder when it is not there. */
  readonly create?: boolean | undefined
  /** Open beside a process that serves the root: each change is safe by the lock of its repository. */
  readonly shared?: boolean | undefined
  /** How long an upload session may be idle before it is gone; 24 h. */
  readonly uploadIdleMs?: number | undefined
  /** How many upload sessions a repository may have at a time; 1,000. */
  readonly uploadsPerRepository?: number | undefined
  /** How long a file that was read whole, or written, and found right is served without being hashed again, as long as nobody changes it; 1 h. */
  readonly soundMs?: number | undefined
}

/**
 * Opens a folder of repositories to serve it: until `close` nobody else does, and a process that was killed does not count. Throws `LocalIoError`
 * (`ERR_INJECT_ROOT_IN_USE`) when somebody does, `NotFoundError` (`ERR_INJECT_ROOT_NOT_FOUND`) when the folder is not there.
 */
export async function openRepositoryRoot(
  directory: string,
  options: OpenRootOptions = {},
): Promise<RepositoryRoot> {
  const {create = false, shared = false} = options
  if (create) await makeFolder(directory)
  else if (!(await isFolder(directory))) throw rootNotFound(directory)
  const release = shared ? () => Promise.resolve() : await holdRoot(directory)
  const turns = createTurns()
  const recent = createRecentBytes()
  const sound = createSoundFiles({maxAgeMs: options.soundMs})
  const live = new Map<string, LiveUpload>()
  const opened = new Map<string, Repository>()

  const toRepository = (name: string): Repository => {
    const place = {root: directory, directory: rootPaths.repository(directory, name)}
    const title = quoted(name)
    const blobs = createRepositoryBlobs({place, name: title, turns, sound})
    return {
      name,
      ...blobs,
      ...createRepositoryManifests({
        place,
        name: title,
        blobs,
        turns,
        recent,
      }),
      ...createUploadSessions({
        place,
        name: title,
        live,
        idleMs: options.uploadIdleMs ?? 86_400_000,
        limit: options.uploadsPerRepository ?? 1000,
        sound,
      }),
      async mountBlob(digest, from, {signal} = {}) {
        signal?.throwIfAborted()
        return blobs.linkFrom(digest, rootPaths.repository(directory, parseRepositoryName(from)))
      },
      close: () => Promise.resolve(),
    }
  }

  const open = async (name: string): Promise<Repository | undefined> => {
    const known = opened.get(name)
    if (known !== undefined) return known
    const folder = rootPaths.repository(directory, parseRepositoryName(name))
    if ((await statFile(layoutPaths.marker(folder))) === undefined) return undefined
    await checkLayout(folder)
    const repository = opened.get(name) ?? toRepository(name)
    opened.set(name, repository)
    for (const oldest of opened.keys()) {
      if (opened.size <= mostOpened) break
      opened.delete(oldest)
    }
    return repository
  }

  return {
    directory,
    openRepository: open,

    async createRepository(name) {
      const known = await open(name)
      if (known !== undefined) return known
      const folder = rootPaths.repository(directory, name)
      await createLayout(folder, {beside: isPartFolder})
      const made = await open(name)
      if (made === undefined) throw rootNotFound(folder)
      return made
    },

    async *listRepositories({signal} = {}) {
      const names: string[] = []
      for await (const name of findRepositories(directory, signal)) names.push(name)
      yield* names.sort(compareTags)
    },

    close: release,
  }
}

/** Repositories keep their index in memory; opening one again costs reading that. */
const mostOpened = 1000

/** Resolves when the lock is held, to what releases it. */
async function holdRoot(directory: string): Promise<() => Promise<void>> {
  await makeFolder(rootPaths.own(directory))
  let release = (): void => undefined
  let done: Promise<void> = Promise.resolve()
  await new Promise<void>((resolve, reject) => {
    const held = async (): Promise<void> => {
      resolve()
      await new Promise<void>((end) => (release = end))
    }
    done = withLock(rootPaths.lock(directory), held, {timeoutMs: 0})
    done.catch((error: unknown) => {
      reject(inUse(error, directory))
    })
  })
  return async () => {
    release()
    await done
  }
}

function inUse(error: unknown, directory: string): Error {
  if (!(error instanceof InjectError)) return new Error('the lock failed', {cause: error})
  if (error.code !== 'ERR_INJECT_LOCKED') return error
  const pid = /^\d+(?=-)/.exec(String(error.found))?.[0]
  const owner = pid === undefined ? 'another process' : `process ${pid}`
  const message = `${owner} serves ${quoted(directory)} already`
  return new LocalIoError('ERR_INJECT_ROOT_IN_USE', message, {
    cause: error,
    hint: 'stop it first, or serve another folder',
  })
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if (isAbsent(error)) return false
    throw localIoError(error, 'read', path)
  }
}

function rootNotFound(directory: string): NotFoundError {
  const message = `there is no folder ${quoted(directory)}`
  return new NotFoundError('ERR_INJECT_ROOT_NOT_FOUND', message)
}
