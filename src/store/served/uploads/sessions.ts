import {randomUUID} from 'node:crypto'
import type {Stats} from 'node:fs'
import {type FileHandle, lstat, open} from 'node:fs/promises'
import {ifAbsent} from '../../../disk/error-answers.js'
import {dirname} from 'node:path'
import {localIoError} from '../../../disk/local-io-error.js'
import {clearDead} from '../../../disk/owned-name.js'
import {LimitError} from '../../../errors.js'
import {type RepositoryPlace, type Repository, type UploadSession} from '../../repository.js'
import {makeFolder} from '../../layout/create.js'
import {statFile} from '../../../disk/read-file.js'
import {tempPrefix} from '../../layout/paths.js'
import {isUploadId, listUploads} from './list-uploads.js'
import {namesIn} from '../../../disk/names-in.js'
import {repositoryPaths} from '../../layout/root-paths.js'
import {pendingMs, type PendingUploads} from './pending-uploads.js'
import type {SoundFiles} from '../blobs/sound-files.js'
import {createUploadHash} from './hash.js'
import type {UploadSpace} from './space.js'
import {createUploadSession, removeUpload} from './session.js'
import {type LiveUpload} from './live-upload.js'

export interface UploadSessionsOptions {
  readonly place: RepositoryPlace
  /** For messages. */
  readonly name: string
  /**
   * What this process knows of the sessions that it has seen, by path: shared by all repositories
   * of the root.
   */
  readonly live: Map<string, LiveUpload>
  /** Those that nobody has written to. */
  readonly pending: PendingUploads
  /** What the unfinished uploads of the root take. */
  readonly space: UploadSpace
  /** Makes the repository where there is none. */
  readonly ensure: () => Promise<unknown>
  /** A session that nothing was added to for so long is gone. */
  readonly idleMs: number
  /** How many a repository may have. */
  readonly limit: number
  readonly sound: SoundFiles
  /** Throws when the root is not ours any more. */
  readonly confirm: () => Promise<void>
}

export type UploadSessions = Pick<Repository, 'startUpload' | 'resumeUpload'>

/**
 * The upload sessions of one repository. The file of a session holds all there is to know: it
 * holds what was received, so its size is the offset, and its time is that of the last activity. A
 * process killed at any instant leaves a session that goes on at the last byte that was written.
 */
export function createUploadSessions(options: UploadSessionsOptions): UploadSessions {
  const {place, name, live, pending, space, ensure, idleMs, limit, sound, confirm} = options
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
      begin: () => begin(id, upload),
      onGrowth: () => space.grown({directory, id, path: pathOf(id), size: upload.size}),
      forget: () => forget(id),
    })

  const forget = (id: string): void => {
    const path = pathOf(id)
    pending.delete(path)
    live.delete(path)
    space.forget(path)
  }

  const begin = async (id: string, upload: LiveUpload): Promise<void> => {
    await ensure()
    await (cleared ??= clearLeftovers())
    if ((await countSessions()) >= limit) throw tooMany(name, limit)
    const path = pathOf(id)
    const handle = await create(path, folder)
    await handle.close()
    pending.delete(path)
    live.set(path, upload)
    upload.isPending = false
    upload.hash = createUploadHash(upload.algorithm)
  }

  /** Sessions that can still be resumed; those that cannot are cleared away, some at a time. */
  const countSessions = async (): Promise<number> => {
    const ids = (await namesIn(folder)).filter(isUploadId)
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
    return stats !== undefined && Date.now() - stats.mtimeMs < idleTime(stats, idleMs)
  }

  const expire = async (id: string): Promise<void> => {
    forget(id)
    await removeUpload(directory, id)
  }

  return {
    async startUpload({signal, algorithm = 'sha256'} = {}) {
      signal?.throwIfAborted()
      await confirm()
      // before a client sends what would not be taken
      if ((await countSessions()) >= limit) throw tooMany(name, limit)
      const id = randomUUID()
      const upload = {...resumed(0), algorithm, isPending: true}
      pending.add(pathOf(id), upload)
      return session(id, upload)
    },

    async resumeUpload(id, {signal} = {}) {
      signal?.throwIfAborted()
      if (!isUploadId(id)) return undefined
      await confirm()
      const path = pathOf(id)
      const begun = pending.get(path)
      if (begun !== undefined) return session(id, begun)
      if (!(await isAlive(id))) {
        await expire(id)
        return undefined
      }
      const known = live.get(path)
      if (known !== undefined) return session(id, known)
      const stats = await statFile(path)
      if (stats === undefined) return undefined
      // another request may have been faster: one session, one state
      const upload = live.get(path) ?? resumed(stats.size)
      live.set(path, upload)
      return session(id, upload)
    },
  }
}

/**
 * The ids of sessions in the folder of a repository that nothing was added to for longer than
 * `idleMs`, and of those of which only a hash's state was left so long ago.
 */
export async function expiredUploads(directory: string, idleMs: number): Promise<string[]> {
  const expired: string[] = []
  for (const id of await listUploads(directory)) {
    const stats =
      (await lookAt(repositoryPaths.upload(directory, id))) ??
      (await lookAt(repositoryPaths.uploadState(directory, id)))
    if (stats !== undefined && Date.now() - stats.mtimeMs >= idleTime(stats, idleMs))
      expired.push(id)
  }
  return expired
}

/** One that holds nothing is gone with those that nobody has written to. */
function idleTime({size}: Stats, idleMs: number): number {
  return size === 0 ? Math.min(idleMs, pendingMs) : idleMs
}

/** Whatever it is, so that it can be removed. */
async function lookAt(path: string): Promise<Stats | undefined> {
  return lstat(path).catch(ifAbsent(undefined))
}

const quiet = 100

function resumed(size: number): LiveUpload {
  return {
    size,
    busy: false,
    isPending: false,
    algorithm: 'sha256',
    hash: undefined,
    state: undefined,
  }
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
