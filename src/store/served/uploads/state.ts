import {rm} from 'node:fs/promises'
import * as v from 'valibot'
import {ifUnfit} from '../../../disk/error-answers.js'
import {writeFileAtomic} from '../../../disk/atomic-file.js'
import {ownedName} from '../../../disk/owned-name.js'
import {parseJsonValue} from '../../../oci/json-value.js'
import {readAll} from '../../../stream/limit.js'
import {readFileStream} from '../../../disk/read-file.js'
import {tempPrefix} from '../../layout/paths.js'
import {type FileStamp, stampOf} from '../blobs/sound-files.js'
import {restoreUploadHash, type UploadHash} from './hash.js'

/**
 * Stores the state of a session's hash, so that another process goes on from it instead of reading
 * all again. Nothing is stored of a hash that cannot be. What is stored says when the machine was
 * started: after a power failure the bytes that it speaks of may be lost, and it is void. So it is
 * when the file that was hashed is not as it was, in `file`.
 */
export async function saveUploadState(
  path: string,
  hash: UploadHash,
  file: FileStamp,
): Promise<void> {
  const state = hash.save()
  if (state === undefined) return
  const stored: v.InferOutput<typeof shape> = {
    version: 1,
    algorithm: hash.algorithm,
    size: hash.size,
    boot: bootOf(),
    file: stampOf(file),
    state: Buffer.from(state).toString('base64'),
  }
  await writeFileAtomic(path, JSON.stringify(stored), {prefix: tempPrefix})
}

/**
 * The hash of a session's data, whose file is now as `file` says; `undefined` when nothing usable
 * is stored.
 */
export async function loadUploadState(
  path: string,
  file: FileStamp,
): Promise<UploadHash | undefined> {
  const bytes = await readAll(readFileStream(path), longest, path).catch(ifUnfit(undefined))
  const stored = v.safeParse(shape, bytes && parseJsonValue(Buffer.from(bytes).toString()))
  if (!stored.success) return undefined
  const {algorithm, state, size, boot, file: stamp} = stored.output
  if (size !== file.size || boot !== bootOf() || stamp !== stampOf(file)) return undefined
  return restoreUploadHash(algorithm, {size, state: Buffer.from(state, 'base64')})
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
  file: v.string(),
  state: v.string(),
})
const longest = 4096

/** Changes when the machine (or the container) is started again. */
function bootOf(): string {
  return ownedName('').split('-')[2] ?? ''
}
