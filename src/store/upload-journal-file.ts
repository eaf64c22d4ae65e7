import {randomBytes} from 'node:crypto'
import {readdir, rename, rm, stat, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import * as v from 'valibot'
import {ifAbsent, quietly} from '../disk/error-answers.js'
import {identityName, readOwnFile, isPrivateFolder} from '../disk/private-folder.js'
import {type HeldLock, withLock} from '../disk/lock.js'
import {InjectError} from '../errors.js'
import {isDigest, type Digest} from '../oci/digest.js'
import {parseJsonValue} from '../oci/json-value.js'
import type {UploadJournal, UploadRecord} from './upload-journal.js'

/** Registries forget sessions sooner or later, and the directory is another one by then. */
const lifetimeMs = 24 * 60 * 60 * 1000
const intervalMs = 1000
const longest = 64 * 1024

export interface JournalOptions {
  /** Where journals are; made when there is something to write. */
  readonly folder: string
  /** What is uploaded to where: another run with the same words goes on with it. */
  readonly identity: readonly string[]
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly onNotice: (text: string) => void
}

/**
 * Runs `work` with the journal of one upload: a file that only its owner can read, replaced as a
 * whole each time, kept for a day. While another process has the same one, and where there can be
 * none, `work` gets `undefined`.
 */
export async function withUploadJournal<T>(
  options: JournalOptions,
  work: (journal: UploadJournal | undefined) => Promise<T>,
): Promise<T> {
  const {folder, identity} = options
  const name = identityName(identity)
  const path = join(folder, `${name}.json`)
  if (!(await isPrivateFolder(folder))) return work(undefined)
  const state = {isRunning: false}
  // who has noted something is worth waiting for, to see whether it lives
  const trusting = (await readOwnFile(path, longest)) === undefined
  try {
    return await withLock(
      join(folder, `${name}.lock`),
      async (lock) => {
        state.isRunning = true
        await quietly(clearOld(folder, options.now()))
        return work(createJournal(path, await readRecord(path, options), {...options, lock}))
      },
      {timeoutMs: 0, trusting},
    )
  } catch (error) {
    // another process uploads the same, or there cannot be a lock there
    if (state.isRunning || !(error instanceof InjectError)) throw error
    return work(undefined)
  }
}

function createJournal(
  path: string,
  left: UploadRecord | undefined,
  {now, lock}: JournalOptions & {readonly lock: HeldLock},
): UploadJournal {
  let noted: UploadRecord | undefined
  let stored = left
  let since = -Infinity
  let writing: Promise<void> = Promise.resolve()
  let isWriting = false

  const write = (record: UploadRecord): Promise<void> => {
    isWriting = true
    since = now()
    const storeIt = async (): Promise<void> => {
      try {
        await lock.confirm()
        await store(path, record, now())
        stored = record
      } finally {
        isWriting = false
      }
    }
    // the upload goes on without it
    writing = quietly(storeIt())
    return writing
  }
  return {
    left,
    note(record) {
      noted = record
      const isOld = now() - since >= intervalMs
      if (isOld && !isWriting && isOther(record, stored)) void write(record)
    },
    async flush() {
      await writing
      if (noted && isOther(noted, stored)) await write(noted)
      return noted !== undefined && !isOther(noted, stored)
    },
    async clear() {
      noted = stored = undefined
      await writing
      stored = undefined
      await quietly(lock.confirm().then(() => rm(path, {force: true})))
    },
  }
}

function isOther(a: UploadRecord, b: UploadRecord | undefined): boolean {
  return (
    a.location !== b?.location ||
    a.checkpoint.offset !== b.checkpoint.offset ||
    a.isWhole !== b.isWhole
  )
}

const shape = v.object({
  version: v.literal(1),
  written: v.number(),
  location: v.pipe(v.string(), v.url(), v.maxLength(16 * 1024)),
  offset: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  digest: v.custom<Digest>(isDigest),
  isWhole: v.boolean(),
})

/**
 * Not made durable: after a power failure an older one is there, none, or one that cannot be read,
 * and nothing worse follows.
 */
async function store(path: string, record: UploadRecord, now: number): Promise<void> {
  const {location, checkpoint, isWhole} = record
  const stored: v.InferOutput<typeof shape> = {
    version: 1,
    written: now,
    location,
    ...checkpoint,
    isWhole,
  }
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    await writeFile(temporary, JSON.stringify(stored), {mode: 0o600, flag: 'wx'})
    await rename(temporary, path)
  } catch (error) {
    await quietly(rm(temporary, {force: true}))
    throw error
  }
}

async function readRecord(
  path: string,
  {now, onNotice}: JournalOptions,
): Promise<UploadRecord | undefined> {
  const text = await readOwnFile(path, longest)
  if (text === undefined) return undefined
  const found = v.safeParse(shape, parseJsonValue(text))
  if (found.success) {
    const {written, location, offset, digest, isWhole} = found.output
    const age = now() - written
    if (age >= 0 && age < lifetimeMs) return {location, checkpoint: {offset, digest}, isWhole}
  } else {
    onNotice('what an earlier run noted of an upload cannot be read: the upload starts again')
  }
  await quietly(rm(path, {force: true}))
  return undefined
}

/** Journals, and what killed runs left half-written, that are too old to be of use. */
async function clearOld(folder: string, now: number): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!/^[0-9a-f]{32}\.json/.test(name)) continue
    const path = join(folder, name)
    const stats = await stat(path).catch(ifAbsent(undefined))
    if (stats && now - stats.mtimeMs > lifetimeMs) await rm(path, {force: true})
  }
}
