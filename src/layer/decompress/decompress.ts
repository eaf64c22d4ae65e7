import {availableParallelism} from 'node:os'
import {IntegrityError, LimitError, PreconditionError} from '../../errors.js'
import {algorithmOf, createDigester, type Digest} from '../../oci/digest.js'
import {type LayerCompression, layerCompression} from '../../oci/media-type.js'
import type {ByteStream} from '../../store/content-store.js'
import {openBlocks} from './block-input.js'
import {detectCompression} from './detect-compression.js'
import {gunzip} from './gunzip.js'
import type {UnpackLimits} from '../limits.js'
import {keepThreads, type KeptThreads} from './kept-threads.js'
import {unzstd} from './unzstd.js'

/** What the tar of a layer may come to. */
export type DecompressLimits = Pick<
  UnpackLimits,
  'ratio' | 'ratioFrom' | 'totalBytes' | 'zstdWindow'
>

export interface VerifiedTarOptions {
  readonly mediaType: string
  readonly diffId: Digest
  /** How many of them inflate, none for 0; or those that another layer may have had before. */
  readonly threads: number | KeptThreads
}

/**
 * The tar of a layer: gzip, zstd or plain, as its first bytes say. Throws `PreconditionError` at
 * once for a media type that is not a layer we can read (encrypted ones among them), and
 * `LimitError` while reading, as soon as the tar is larger than `limits` allow.
 */
export function decompress(
  content: ByteStream,
  mediaType: string,
  limits: DecompressLimits,
): ByteStream {
  const named = namedCompression(mediaType)
  return limitedExpansion(content, named, limits)
}

/** The number of inflating threads; one is faster than the thread that reads. */
export const usualThreads = availableParallelism() > 1 ? 1 : 0

/** Threads for layers that are read one after the other, or none. */
export function usualKeptThreads(): KeptThreads | undefined {
  return usualThreads > 0 ? keepThreads(usualThreads) : undefined
}

/**
 * As `verifiedDiffId` of what `decompress` gives, but a chunk is valid until the next one is asked
 * for: a large layer of our own is inflated and hashed by threads, in memory that is used again.
 */
export function verifiedTar(
  content: ByteStream,
  {mediaType, diffId, threads}: VerifiedTarOptions,
  limits: DecompressLimits,
): ByteStream {
  const named = namedCompression(mediaType)
  return threads === 0
    ? verifiedDiffId(limitedExpansion(content, named, limits), diffId)
    : expandInThreads(content, named, {diffId, threads, limits})
}

function namedCompression(mediaType: string): LayerCompression {
  const named = layerCompression(mediaType)
  if (named !== undefined) return named
  throw new PreconditionError(
    'ERR_INJECT_MEDIA_TYPE_UNSUPPORTED',
    `a layer of the media type ${JSON.stringify(mediaType)} cannot be read`,
  )
}

async function* limitedExpansion(
  stored: ByteStream,
  named: LayerCompression,
  limits: DecompressLimits,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* expand(await detectCompression(stored, named), limits)
}

interface ThreadedOptions extends Pick<VerifiedTarOptions, 'diffId' | 'threads'> {
  readonly limits: DecompressLimits
}

async function* expandInThreads(
  stored: ByteStream,
  named: LayerCompression,
  {diffId, threads: given, limits}: ThreadedOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const {compression, content} = await detectCompression(stored, named)
  const {blocks, content: other} = compression === 'gzip' ? await openBlocks(content) : {content}
  const kept = typeof given === 'number' ? keepThreads(given) : given
  const threads = blocks && (await kept.take(algorithmOf(diffId)))
  if (!blocks || !threads) {
    const whole = other ?? blocks.whole()
    yield* verifiedDiffId(expand({compression, content: whole}, limits), diffId)
    return
  }
  const read = {bytes: 0}
  let isDone = false
  try {
    const {gunzipBlocks} = await import('./gunzip-blocks.js')
    yield* limited(gunzipBlocks(blocks, threads, read), read, limits)
    checkDiffId(await threads.digest(), diffId)
    isDone = true
  } finally {
    await kept.giveBack(threads, isDone && kept === given)
  }
}

async function* expand(
  {compression, content}: Awaited<ReturnType<typeof detectCompression>>,
  limits: DecompressLimits,
): AsyncGenerator<Uint8Array, void, undefined> {
  const read = {bytes: 0}
  const expanded =
    compression === 'gzip'
      ? gunzip(content, read)
      : compression === 'none'
        ? count(content, read)
        : unzstd(count(content, read), {window: limits.zstdWindow})
  yield* limited(expanded, read, limits)
}

/**
 * The same stream, which throws `IntegrityError` (`ERR_INJECT_DIFF_ID_MISMATCH`) instead of ending
 * when its bytes are not the ones that `diffId` names.
 */
export async function* verifiedDiffId(
  tar: ByteStream,
  diffId: Digest,
): AsyncGenerator<Uint8Array, void, undefined> {
  const digester = createDigester(algorithmOf(diffId))
  for await (const chunk of tar) {
    digester.update(chunk)
    yield chunk
  }
  checkDiffId(digester.digest(), diffId)
}

function checkDiffId(found: Digest, diffId: Digest): void {
  if (found === diffId) return
  throw new IntegrityError(
    'ERR_INJECT_DIFF_ID_MISMATCH',
    `the layer's content does not match the image's config: expected ${diffId}, found ${found}`,
    {expected: diffId, found},
  )
}

async function* count(
  content: ByteStream,
  read: {bytes: number},
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of content) {
    read.bytes += chunk.length
    yield chunk
  }
}

async function* limited(
  tar: ByteStream,
  read: {readonly bytes: number},
  {ratio, ratioFrom, totalBytes}: Pick<UnpackLimits, 'ratio' | 'ratioFrom' | 'totalBytes'>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let size = 0
  for await (const chunk of tar) {
    size += chunk.length
    if (size > totalBytes) {
      throw new LimitError(
        'ERR_INJECT_LAYER_TOO_LARGE',
        `the layer unpacks to more than ${totalBytes} bytes`,
        {expected: totalBytes, hint: 'a larger --max-size lets it pass'},
      )
    }
    if (size > ratioFrom && size > read.bytes * ratio) {
      throw new LimitError(
        'ERR_INJECT_LAYER_RATIO',
        `the layer unpacks to more than ${ratio} times its size: ${read.bytes} bytes gave ${size}`,
        {
          expected: ratio,
          found: Math.floor(size / read.bytes),
          hint: 'if you trust it, say how large it may be: --max-size 20G',
        },
      )
    }
    yield chunk
  }
}
