import {randomUUID} from 'node:crypto'
import type {Stats} from 'node:fs'
import {type FileHandle, lstat, open} from 'node:fs/promises'
import {ifAbsent} from '../disk/error-answers.js'
import {dirname} from 'node:path'
import {localIoError} from '../disk/local-io-error.js'
import {clearDead} from '../disk/owned-name.js'
import {LimitError} from '../errors.js'
import type {DigestAlgorithm} from '../oci/digest.js'
import type {RepositoryPlace} from './blob-files.js'
import {makeFolder} from './layout-create.js'
import {statFile, tempPrefix} from './layout-files.js'
import {namesIn} from './names-in.js'
import type {Repository, UploadSession} from './repository.js'
import {repositoryPaths} from './repository-paths.js'
import type {SoundFiles} from './sound-files.js'
import {createUploadHash} from './upload-hash.js'
import {createUploadSession, type LiveUpload, removeUpload} from './upload-session.js'

export interface UploadSessionsOptions {
  readonly place: RepositoryPlace
  /** For messages. */
  readonly name: string
  /** What this process knows of the sessions that it has seen, by path: shared by all repositories of the root. */
  readonly live: Map<string, LiveUpload>
  /** A session that nothing was added to for so long is gone. */
  readonly idleMs: number
  /** How many a repository may have. */
  readonly limit: number
  readonly sound: SoundFiles
}

/**
 * The upload sessions of one repository. The file of a session is all that there is to know: it holds what was received, so its size is the offset, and
 * its time is that of the last activity. A process killed at any instant leaves a session that goes on at the last byte that was written.
 */
export function createUploadSessions(
  options: UploadSessionsOptions,
): Pick<Repository, 'startUpload' | 'resumeUpload'> {
  const {place, name, live, idleMs, limit, sound} = options
  const {directory} = place
  const folder = repositoryPaths.uploads(directory)
  const pathOf = (id: string): string => repositoryPaths.upload(directory, id)
  const session = (id: string, upload: LiveUpload): UploadSession =>
    createUploadSession({
      id,
      upload,
      place,
      name,
      sound,
      forget: () => void live.delete(pathOf(id)),
    })

  /** Sessions that can still be resumed; those that cannot are cleared away, some at a time. */
  const countSessions = async (): Promise<number> => {
    const ids = (await namesIn(folder)).filter((each) => grammar.test(each))
    // most of the time there are few, and none of them needs to be looked at
    if (ids.length < Math.min(limit, quiet)) return ids.length
    let count = 0
    for (const id of ids) {
      if (await isAlive(id)) count++
      else await expire(id)
      if (count >= limit) break
    }
    return count
  }

  /** What processes left that were killed; once. */
  let cleared: Promise<void> | undefined
  const clearLeftovers = async (): Promise<void> => {
    await clearDead(folder, tempPrefix)
    for (const id of await expiredUploads(directory, idleMs))
      if (!(await isAlive(id))) await expire(id)
  }

  const isAlive = async (id: string): Promise<boolean> => {
    if (live.get(pathOf(id))?.busy === true) return true
    const stats = await statFile(pathOf(id))
    return stats !== undefined && Date.now() - stats.mtimeMs < idleMs
  }

  const expire = async (id: string): Promise<void> => {
    live.delete(pathOf(id))
    await removeUpload(directory, id)
  }

  return {
    async startUpload({signal, algorithm = 'sha256'} = {}) {
      signal?.throwIfAborted()
      await (cleared ??= clearLeftovers())
      if ((await countSessions()) >= limit) throw tooMany(name, limit)
      const id = randomUUID()
      const path = pathOf(id)
      const handle = await create(path, folder)
      await handle.close()
      const upload = newUpload(0, algorithm)
      live.set(path, upload)
      return session(id, upload)
    },

    async resumeUpload(id, {signal} = {}) {
      signal?.throwIfAborted()
      if (!grammar.test(id)) return undefined
      const path = pathOf(id)
      if (!(await isAlive(id))) {
        await expire(id)
        return undefined
      }
      const known = live.get(path)
      if (known !== undefined) return session(id, known)
      const stats = await statFile(path)
      if (stats === undefined) return undefined
      // whoever asked at the same time may have been faster: one session, one state
      const upload = live.get(path) ?? resumed(stats.size)
      live.set(path, upload)
      return session(id, upload)
    },
  }
}

/** The ids of sessions in the folder of a repository that nothing was added to for longer than `idleMs`, and of those of which only a hash's state was left so long ago. */
export async function expiredUploads(directory: string, idleMs: number): Promise<string[]> {
  const names = await namesIn(repositoryPaths.uploads(directory))
  const ids = new Set(names.map((name) => name.replace(/\.state$/, '')))
  const expired: string[] = []
  for (const id of ids) {
    if (!grammar.test(id)) continue
    const stats =
      (await lookAt(repositoryPaths.upload(directory, id))) ??
      (await lookAt(repositoryPaths.uploadState(directory, id)))
    if (stats !== undefined && Date.now() - stats.mtimeMs >= idleMs) expired.push(id)
  }
  return expired
}

/** Whatever it is, so that it can be removed. */
async function lookAt(path: string): Promise<Stats | undefined> {
  return lstat(path).catch(ifAbsent(undefined))
}

/** The spelling of `randomUUID`. */
const grammar = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const quiet = 100

function newUpload(size: number, algorithm: DigestAlgorithm): LiveUpload {
  return {size, busy: false, algorithm, hash: createUploadHash(algorithm), state: undefined}
}

function resumed(size: number): LiveUpload {
  return {size, busy: false, algorithm: 'sha256', hash: undefined, state: undefined}
}

async function create(path: string, folder: string): Promise<FileHandle> {
  try {
    await makeFolder(folder, dirname(folder))
    return await open(path, 'wx', 0o644)
  } catch (error) {
    throw localIoError(error, 'create', path)
  }
}

function tooMany(name: string, limit: number): LimitError {
  const message = `${name} has ${limit} unfinished uploads`
  return new LimitError('ERR_INJECT_TOO_MANY_UPLOADS', message, {
    expected: limit,
    hint: 'finish or cancel some, or wait until the idle ones expire',
  })
}
