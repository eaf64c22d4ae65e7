import {IntegrityError, LimitError, PreconditionError} from '../../errors.js'
import {algorithmOf, createDigester, type Digest} from '../../oci/digest.js'
import {type LayerCompression, layerCompression} from '../../oci/media-type.js'
import type {ByteStream} from '../../store/content-store.js'
import {detectCompression} from './detect-compression.js'
import {gunzip} from './gunzip.js'
import type {UnpackLimits} from '../limits.js'
import {unzstd} from './unzstd.js'

/**
 * The tar of a layer: gzip, zstd or plain, as its first bytes say. Throws `PreconditionError` at
 * once for a media type that is not a layer we can read (encrypted ones among them), and
 * `LimitError` while reading, as soon as the tar is larger than `limits` allow.
 */
export function decompress(
  content: ByteStream,
  mediaType: string,
  limits: Pick<UnpackLimits, 'ratio' | 'ratioFrom' | 'totalBytes' | 'zstdWindow'>,
): ByteStream {
  const named = layerCompression(mediaType)
  if (named === undefined) {
    throw new PreconditionError(
      'ERR_INJECT_MEDIA_TYPE_UNSUPPORTED',
      `a layer of the media type ${JSON.stringify(mediaType)} cannot be read`,
    )
  }
  const read = {bytes: 0}
  return limited(expand(content, named, read, limits.zstdWindow), read, limits)
}

async function* expand(
  stored: ByteStream,
  named: LayerCompression,
  read: {bytes: number},
  zstdWindow: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const {compression, content} = await detectCompression(stored, named)
  if (compression === 'gzip') yield* gunzip(content, read)
  else if (compression === 'none') yield* count(content, read)
  else yield* unzstd(count(content, read), {window: zstdWindow})
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
  const found = digester.digest()
  if (found !== diffId) {
    throw new IntegrityError(
      'ERR_INJECT_DIFF_ID_MISMATCH',
      `the layer's content is not what the image's config names: expected ${diffId}, found ${found}`,
      {expected: diffId, found},
    )
  }
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
