import {monotonicTime} from '../../../disk/clock.js'
import type {LiveUpload} from './live-upload.js'

/**
 * Upload sessions that nobody has written to yet: a few words in memory each, and nothing on disk.
 */
export interface PendingUploads {
  get(path: string): LiveUpload | undefined
  add(path: string, upload: LiveUpload): void
  delete(path: string): void
}

/** Of a session that nobody writes to, milliseconds: a client writes within seconds. */
export const pendingMs = 600_000

/** Holds at most `limit` sessions, for `maxAgeMs` each; the oldest go first. */
export function createPendingUploads({
  limit = 10_000,
  maxAgeMs = pendingMs,
  now = monotonicTime,
}: {
  readonly limit?: number
  readonly maxAgeMs?: number | undefined
  readonly now?: () => number
} = {}): PendingUploads {
  // a map lists what was set first at its beginning
  const pending = new Map<string, {readonly upload: LiveUpload; readonly since: number}>()
  const clear = (): void => {
    for (const [path, {since}] of pending) {
      if (pending.size <= limit && now() - since < maxAgeMs) return
      pending.delete(path)
    }
  }
  return {
    get(path) {
      clear()
      return pending.get(path)?.upload
    },
    add(path, upload) {
      pending.set(path, {upload, since: now()})
      clear()
    },
    delete: (path) => void pending.delete(path),
  }
}
