import {lstat, statfs} from 'node:fs/promises'
import {ifAbsent} from '../../../disk/error-answers.js'
import {localIoError} from '../../../disk/local-io-error.js'
import {LimitError} from '../../../errors.js'
import {findRepositories, repositoryPaths, rootPaths} from '../../layout/root-paths.js'
import {removeUpload} from './session.js'
import {type LiveUpload} from './live-upload.js'
import {listUploads} from './list-uploads.js'

/** What the unfinished uploads of a root take on the disk together, and its bound. */
export interface UploadSpace {
  /**
   * One has grown: when all of them take more than the bound, those that were idle longest go.
   * Throws `LimitError` (`ERR_INJECT_UPLOADS_FULL`) when that is not enough and the bound was
   * given.
   */
  grown(upload: GrownUpload): Promise<void>
  /** It is over. */
  forget(path: string): void
}

export interface GrownUpload {
  readonly directory: string
  readonly id: string
  readonly path: string
  readonly size: number
}

export interface UploadSpaceOptions {
  readonly root: string
  readonly live: Map<string, LiveUpload>
  /** Bytes; without it half of what the disk has left for them, beyond which only idle ones go. */
  readonly most: number | undefined
  /**
   * One that somebody wrote to so lately is not idle: a client may be between two of its requests.
   */
  readonly quietMs: number
}

/**
 * Looked for on the disk once, when the first one grows: from then on this process makes all of
 * them.
 */
export function createUploadSpace(options: UploadSpaceOptions): UploadSpace {
  const {root, live, most, quietMs} = options
  const uploads = new Map<string, GrownUpload & {usedAt: number}>()
  let total = 0
  let checkedAt = -Infinity
  let found: Promise<void> | undefined

  const set = (upload: GrownUpload, usedAt: number): void => {
    total += upload.size - (uploads.get(upload.path)?.size ?? 0)
    uploads.set(upload.path, {...upload, usedAt})
  }
  const forget = (path: string): void => {
    total -= uploads.get(path)?.size ?? 0
    uploads.delete(path)
  }

  const find = async (): Promise<void> => {
    for await (const name of findRepositories(root)) {
      const directory = rootPaths.repository(root, name)
      for (const id of await listUploads(directory)) {
        const path = repositoryPaths.upload(directory, id)
        const stats = await lstat(path).catch(ifAbsent(undefined))
        if (stats && !uploads.has(path)) set({directory, id, path, size: stats.size}, stats.mtimeMs)
      }
    }
  }

  const bound = async (): Promise<number> => {
    if (most !== undefined) return most
    try {
      const {bavail, bsize} = await statfs(root)
      return (bavail * bsize + total) / 2
    } catch (error) {
      throw localIoError(error, 'read', root)
    }
  }

  const makeRoom = async (path: string): Promise<void> => {
    const limit = await bound()
    checkedAt = total
    if (total <= limit) return
    const isIdle = (each: GrownUpload & {usedAt: number}): boolean =>
      each.path !== path &&
      live.get(each.path)?.busy !== true &&
      Date.now() - each.usedAt >= quietMs
    const oldest = [...uploads.values()].sort((one, other) => one.usedAt - other.usedAt)
    for (const each of oldest) {
      if (total <= limit) return
      // looked at again each time: somebody may go on with it meanwhile
      if (!isIdle(each)) continue
      live.delete(each.path)
      forget(each.path)
      await removeUpload(each.directory, each.id)
    }
    if (total > limit && most !== undefined) throw full(most)
  }

  return {
    async grown(upload) {
      await (found ??= find())
      set(upload, Date.now())
      if (most === undefined ? total - checkedAt >= step : total > most) await makeRoom(upload.path)
    },
    forget,
  }
}

/** How often the disk is asked what it has left. */
const step = 16 * 1024 * 1024

function full(most: number): LimitError {
  const message = `the unfinished uploads would take more than ${most} bytes`
  return new LimitError('ERR_INJECT_UPLOADS_FULL', message, {
    expected: most,
    hint: 'finish or cancel some, or raise --max-unfinished',
  })
}
