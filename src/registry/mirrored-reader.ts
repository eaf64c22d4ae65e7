import {InjectError, IntegrityError, UsageError} from '../errors.js'
import {isDigest} from '../oci/digest.js'
import {quoted} from '../oci/quoted.js'
import type {BlobReader, ByteStream, CallOptions, ManifestStore} from '../store/content-store.js'
import type {BlobInfo} from '../oci/descriptor.js'
import {readAll} from '../stream/limit.js'
import {verified} from '../stream/verify.js'

export type Reader = BlobReader & Pick<ManifestStore, 'getManifest' | 'statManifest'>

export interface MirrorReader extends Reader {
  readonly name: string
}

/**
 * A blob up to this size is held back until it is verified, so that the registry can still be asked
 * instead.
 */
const heldBack = 8 * 1024 * 1024

/**
 * Reads content by digest from the first mirror that has it, and from the registry when no mirror
 * has it or one fails, which is reported once. What a tag names, and whether something exists, is
 * always asked of the registry itself: a mirror may lag behind.
 */
export function createMirroredReader(
  origin: Reader,
  mirrors: readonly MirrorReader[],
  tell: (text: string) => void,
): Reader {
  if (mirrors.length === 0) return origin
  const failed = new Set<string>()
  const note = ({name}: MirrorReader, error: unknown, signal: AbortSignal | undefined): void => {
    signal?.throwIfAborted()
    if (!(error instanceof InjectError)) throw error
    // an invalid request fails everywhere in the same way
    if (error instanceof UsageError) throw error
    if (failed.has(name) || error.code === 'ERR_INJECT_BLOB_NOT_FOUND') return
    failed.add(name)
    tell(`mirror ${name} failed, asking the registry: ${error.message}`)
  }

  return {
    statBlob: origin.statBlob.bind(origin),
    statManifest: origin.statManifest.bind(origin),

    async getManifest(reference, options = {}) {
      if (!isDigest(reference)) return origin.getManifest(reference, options)
      for (const mirror of mirrors) {
        try {
          const found = await mirror.getManifest(reference, options)
          if (found) return found
        } catch (error) {
          note(mirror, error, options.signal)
        }
      }
      return origin.getManifest(reference, options)
    },

    async openBlob(blob, options = {}) {
      for (const mirror of mirrors) {
        try {
          const stream = await mirror.openBlob(blob, options)
          if (blob.size > heldBack) return continued(mirror, stream, blob, options)
          const bytes = await readAll(stream, heldBack, `blob ${quoted(blob.digest)}`)
          return (async function* () {
            yield await Promise.resolve(bytes)
          })()
        } catch (error) {
          note(mirror, error, options.signal)
        }
      }
      return origin.openBlob(blob, options)
    },
  }

  /**
   * When the mirror breaks off, the rest comes from the registry. Wrong bytes that were passed on
   * cannot be taken back, so they fail with an error that names the mirror.
   */
  async function* continued(
    mirror: MirrorReader,
    stream: ByteStream,
    blob: BlobInfo,
    options: CallOptions,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    yield* verified(parts(mirror, stream, blob, options), blob, `blob ${blob.digest}`)
  }

  async function* parts(
    mirror: MirrorReader,
    stream: ByteStream,
    blob: BlobInfo,
    options: CallOptions,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    let given = 0
    try {
      for await (const chunk of stream) {
        given += chunk.length
        yield chunk
      }
      return
    } catch (error) {
      if (error instanceof IntegrityError) throw wrongBytes(error, mirror.name)
      note(mirror, error, options.signal)
    }
    let position = 0
    for await (const chunk of await origin.openBlob(blob, options)) {
      const fresh = chunk.subarray(Math.max(0, given - position))
      position += chunk.length
      if (fresh.length > 0) yield fresh
    }
  }
}

function wrongBytes({code, message}: IntegrityError, mirror: string): IntegrityError {
  return new IntegrityError(code, `${message} (from mirror ${mirror})`, {
    hint: 'run again without --mirror',
  })
}
