import {
  IntegrityError,
  LimitError,
  PreconditionError,
  reworded,
  UnsafeContentError,
} from '../errors.js'
import type {Digest} from '../oci/digest.js'

/** Which layer of an image is being read, and how far, for messages. */
export interface LayerPlace {
  /** Counted from 1, as `inspect` does. */
  readonly number: number
  readonly digest: Digest
  /** `in the entry 'a/b'`; `undefined` before the first one. */
  readonly at?: (() => string | undefined) | undefined
}

/** `layer 3 (sha256:…)`. */
export function layerTitle({number, digest}: Pick<LayerPlace, 'number' | 'digest'>): string {
  return `layer ${number} (${digest})`
}

/**
 * Reads a layer: what is wrong with it is said with its number and digest, with the entry where the
 * fault is, and with what can be done. All that reads layers goes through here or `layerStream`, so
 * errors of readers speak of "the layer".
 */
export async function inLayer<T>(place: LayerPlace, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw layerError(error, place)
  }
}

/** The same for a stream of what is in a layer. */
export async function* layerStream(
  place: LayerPlace,
  stream: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* stream
  } catch (error) {
    throw layerError(error, place)
  }
}

/** Of errors about all of a layer, which is read to its end before they are seen. */
const aboutAll: ReadonlySet<string> = new Set([
  'ERR_INJECT_DIGEST_MISMATCH',
  'ERR_INJECT_SIZE_MISMATCH',
  'ERR_INJECT_DIFF_ID_MISMATCH',
])

const remedies: ReadonlyMap<string, string> = new Map([
  ['ERR_INJECT_LAYER_CORRUPT', 'build the layer again with the tool that made it'],
  ['ERR_INJECT_DIFF_ID_MISMATCH', 'the image was put together wrongly: build and push it again'],
  ['ERR_INJECT_DIGEST_MISMATCH', 'the stored copy is damaged: push the image again'],
  ['ERR_INJECT_SIZE_MISMATCH', 'the stored copy is damaged: push the image again'],
])

/** The error with the layer's place, where it is about the layer; any other as it is. */
export function layerError(error: unknown, place: LayerPlace): unknown {
  const isAboutContent =
    error instanceof IntegrityError ||
    error instanceof LimitError ||
    error instanceof UnsafeContentError ||
    error instanceof PreconditionError
  if (!isAboutContent) return error
  const {code, message, hint} = error
  // blobs are named by their digests already
  const title = message.includes(place.digest) ? `layer ${place.number}` : layerTitle(place)
  const where = aboutAll.has(code) ? undefined : place.at?.()
  const [, entry = ''] = / entry (.*)$/s.exec(where ?? '') ?? []
  const clause = where === undefined || message.includes(entry) ? '' : `, ${where}`
  return reworded(error, `${aboutLayer(message, title)}${clause}`, {
    hint: hint ?? remedies.get(code),
  })
}

/** The message about the layer with its title. */
function aboutLayer(message: string, title: string): string {
  if (message.startsWith("the layer's ")) return `${title}: its ${message.slice(12)}`
  if (message.startsWith('the layer ')) return `${title} ${message.slice(10)}`
  return `${title}: ${message}`
}
