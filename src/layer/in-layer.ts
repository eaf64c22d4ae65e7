import {
  IntegrityError,
  LimitError,
  PreconditionError,
  reworded,
  UnsafeContentError,
} from '../errors.js'
import type {Digest} from '../oci/digest.js'

/** Which layer of an image is being read, and how far; for messages. */
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
 * Reads a layer, and adds its number and digest, the entry with the fault, and a hint to errors.
 * Everything that reads layers goes through here or `layerStream`, so readers' errors say just "the
 * layer".
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
  ['ERR_INJECT_DIFF_ID_MISMATCH', 'the image is inconsistent: build and push it again'],
  ['ERR_INJECT_DIGEST_MISMATCH', 'the stored copy is damaged: push the image again'],
  ['ERR_INJECT_SIZE_MISMATCH', 'the stored copy is damaged: push the image again'],
])

/** The error with the layer's number and digest if it is about the layer; else unchanged. */
export function layerError(error: unknown, place: LayerPlace): unknown {
  const isAboutContent =
    error instanceof IntegrityError ||
    error instanceof LimitError ||
    error instanceof UnsafeContentError ||
    error instanceof PreconditionError
  if (!isAboutContent) return error
  const {code, message, hint} = error
  // these messages contain the digest already
  const title = message.includes(place.digest) ? `layer ${place.number}` : layerTitle(place)
  const where = aboutAll.has(code) ? undefined : place.at?.()
  const [, entry = ''] = / entry (.*)$/s.exec(where ?? '') ?? []
  const clause = where === undefined || message.includes(entry) ? '' : `, ${where}`
  return reworded(error, `${aboutLayer(message, title)}${clause}`, {
    hint: hint ?? remedies.get(code),
  })
}

/** The message with the title of the layer. */
function aboutLayer(message: string, title: string): string {
  if (message.startsWith("the layer's ")) return `${title}: its ${message.slice(12)}`
  if (message.startsWith('the layer ')) return `${title} ${message.slice(10)}`
  return `${title}: ${message}`
}
