import {IntegrityError, PreconditionError} from '../../errors.js'
import {algorithmOf, type Digest} from '../../oci/digest.js'
import type {
  BlobReader,
  BlobSource,
  BlobWriter,
  CallOptions,
  ManifestStore,
  StoredManifest,
} from '../content-store.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import type {CopyPlan} from './plan.js'
import {inLanes} from '../../stream/in-lanes.js'

/** Blobs on their way at once: as many as a registry is asked things at once. */
const parallel = 6

export interface CopyContentOptions extends CallOptions {
  /** Added to as the copy goes on. */
  readonly progress: CopyProgress
  /** Repositories of the target's registry that have the blobs. */
  readonly mountFrom?: readonly string[] | undefined
  /** Called with bytes as they go by; of some of them twice, where a connection breaks. */
  readonly onBytes?: ((bytes: number) => void) | undefined
  /** Called with how many bytes of one blob went by, and with `undefined` when it is over. */
  readonly onBlob?: ((blob: BlobInfo, done: number | undefined) => void) | undefined
}

/** What became of the blobs of a copy. */
export interface CopyCounts {
  /** Read from the source and sent. */
  copied: number
  /** Taken from another repository of the same registry. */
  mounted: number
  /** There already. */
  present: number
  /** Bytes that were read from the source; of mounted and present ones none. */
  bytes: number
  /** Bytes of mounted and present ones, which were not sent. */
  saved: number
}

export function noCounts(): CopyCounts {
  return {copied: 0, mounted: 0, present: 0, bytes: 0, saved: 0}
}

/** What a copy has done so far; those who copy add to it. */
export interface CopyProgress {
  readonly done: Set<Digest>
  readonly counts: CopyCounts
}

/**
 * Makes all that `plan` says be in the target: blobs first, several at once, then the manifests in
 * their order, by digest. What is there is not sent. Every blob is checked on the way.
 */
export async function copyContent(
  source: BlobReader,
  target: BlobWriter & ManifestStore & {readonly name: string},
  plan: CopyPlan,
  options: CopyContentOptions,
): Promise<void> {
  await copyBlobs(source, target, plan.blobs, options)
  for (const manifest of plan.manifests) {
    await putAs(target, manifest, {signal: options.signal})
    options.progress.done.add(manifest.descriptor.digest)
  }
}

/**
 * Makes blobs be in the target, several at once. What is there is not sent; every other one is
 * checked on the way.
 */
export async function copyBlobs(
  source: BlobReader,
  target: BlobWriter,
  blobs: readonly BlobInfo[],
  {progress: {done, counts}, signal, mountFrom, onBytes, onBlob}: CopyContentOptions,
): Promise<void> {
  const copyBlob = async (blob: BlobInfo, {signal}: {signal: AbortSignal}): Promise<void> => {
    let read = 0
    const reading = watched(source, blob, (bytes) => {
      counts.bytes += bytes
      onBytes?.(bytes)
      onBlob?.(blob, (read += bytes))
    })
    const {digest, size} = blob
    const how = {expected: {digest, size}, mountFrom, signal}
    try {
      const {written} = await target.putBlob(reading, how).catch((error: unknown) => {
        // a connection that was left in the middle is what comes of bytes that are wrong
        throw reading.fault() ?? error
      })
      const isSent = written && reading.wasOpened()
      counts[!written ? 'present' : isSent ? 'copied' : 'mounted']++
      if (!isSent) counts.saved += size
    } finally {
      onBlob?.(blob, undefined)
    }
    done.add(digest)
  }
  await inLanes(blobs, copyBlob, {width: parallel, signal})
}

/**
 * Stores a manifest under the digest that others know it by. Throws `PreconditionError` where the
 * target names it by another algorithm.
 */
async function putAs(
  target: ManifestStore & {readonly name: string},
  {bytes, descriptor}: StoredManifest,
  call: CallOptions,
): Promise<void> {
  const how = {...call, algorithm: algorithmOf(descriptor.digest)}
  const {digest} = await target.putManifest(bytes, descriptor.mediaType, how)
  if (digest === descriptor.digest) return
  throw new PreconditionError(
    'ERR_INJECT_DIGEST_ALGORITHM',
    `${target.name} names manifest ${descriptor.digest} by another digest: ${digest}`,
    {expected: descriptor.digest, found: digest},
  )
}

/** A blob of a store as a source for another one: looked for when it is opened. */
function watched(
  source: BlobReader,
  blob: BlobInfo,
  onBytes: (bytes: number) => void,
): BlobSource & {wasOpened(): boolean; fault(): IntegrityError | undefined} {
  let opened = false
  let fault: IntegrityError | undefined
  return {
    proven: blob,
    wasOpened: () => opened,
    fault: () => fault,
    async *open(call) {
      opened = true
      try {
        for await (const chunk of await source.openBlob(blob, call)) {
          onBytes(chunk.length)
          yield chunk
        }
      } catch (error) {
        if (error instanceof IntegrityError) fault = error
        throw error
      }
    },
  }
}
