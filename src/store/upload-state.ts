import {readFile, rm} from 'node:fs/promises'
import * as v from 'valibot'
import {writeFileAtomic} from '../disk/atomic-file.js'
import {ownedName} from '../disk/owned-name.js'
import {tempPrefix} from './layout-files.js'
import {restoreUploadHash, type UploadHash} from './upload-hash.js'

/**
 * Stores the state of a session's hash, so that another process goes on from it instead of reading all again. Nothing is stored of a hash that
 * cannot be. What is stored says when the machine was started: after a power failure the bytes that it speaks of may be lost, and it is void.
 */
export async function saveUploadState(path: string, hash: UploadHash): Promise<void> {
  const state = hash.save()
  if (state === undefined) return
  const stored: v.InferOutput<typeof shape> = {
    version: 1,
    algorithm: hash.algorithm,
    size: hash.size,
    boot: bootOf(),
    state: Buffer.from(state).toString('base64'),
  }
  await writeFileAtomic(path, JSON.stringify(stored), {prefix: tempPrefix})
}

/** The hash of the first bytes of a session's data, at most `size` of them; `undefined` when nothing usable is stored. */
export async function loadUploadState(path: string, size: number): Promise<UploadHash | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined || text.length > longest) return undefined
  const stored = v.safeParse(shape, parse(text))
  if (!stored.success || stored.output.size > size || stored.output.boot !== bootOf())
    return undefined
  const {algorithm, state} = stored.output
  return restoreUploadHash(algorithm, {
    size: stored.output.size,
    state: Buffer.from(state, 'base64'),
  })
}

/** Before bytes that it does not know of are added; nothing there is fine. */
export async function dropUploadState(path: string): Promise<void> {
  await rm(path, {force: true})
}

const shape = v.object({
  version: v.literal(1),
  algorithm: v.picklist(['sha256', 'sha512']),
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  boot: v.string(),
  state: v.string(),
})
const longest = 4096

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Changes when the machine (or the container) is started again. */
function bootOf(): string {
  return ownedName('').split('-')[2] ?? ''
}
