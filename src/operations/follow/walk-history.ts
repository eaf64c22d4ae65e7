import {originOf} from '../../image/follow/origin.js'
import {noteIn, readDocument, type ReadDocument} from '../find/read-documents.js'
import {type RunNote} from '../../image/follow/run-note.js'
import type {Image} from '../../image/image.js'
import {findSlots} from '../../image/slot.js'
import type {Digest} from '../../oci/digest.js'
import {parseTime} from '../../oci/time.js'
import {unlessFailed} from '../../errors.js'
import type {ContentStore} from '../../store/content-store.js'

/** One state of a tag. */
export interface HistoryStep {
  readonly digest: Digest
  /** The note of the run that made it. */
  readonly note: RunNote | undefined
  /** By name. */
  readonly slots: ReadonlyMap<string, SlotState>
  /** The manifest that its first slot was put into, of its first image that has one. */
  readonly base: Digest | undefined
  /** The time of its newest content, in seconds since the epoch. */
  readonly time: number | undefined
}

/** A slot across all images of a document. */
export interface SlotState {
  /** Equal for equal content. */
  readonly key: string
  /** Compressed bytes of its layers, each once. */
  readonly size: number
}

/** What a digest names; `missing` if it is gone or unreadable. */
export type WalkedStep = HistoryStep | {readonly digest: Digest; readonly kind: 'missing'}

/** The most steps of a history that are walked. */
export const mostSteps = 1000

/**
 * The states of a tag, newest first, along the links that runs noted; each is read when it is asked
 * for. Ends with the first one that notes no link, or that is missing.
 */
export async function* walkHistory(
  store: ContentStore,
  start: Digest,
  signal: AbortSignal,
): AsyncGenerator<WalkedStep, void, undefined> {
  const seen = new Set<Digest>()
  let next: Digest | undefined = start
  while (next !== undefined && !seen.has(next) && seen.size < mostSteps) {
    const digest: Digest = next
    seen.add(digest)
    const document: ReadDocument | undefined = await (digest === start
      ? readDocument(store, digest, signal)
      : unlessFailed(() => readDocument(store, digest, signal)))
    if (!document) {
      yield {digest, kind: 'missing'}
      return
    }
    const step = stepOf(digest, document)
    yield step
    next = step.note?.replaced
  }
}

function stepOf(digest: Digest, document: ReadDocument): HistoryStep {
  const {images} = document
  const slots = new Map<string, {keys: string[]; layers: Map<string, number>}>()
  for (const image of images) {
    for (const {name, path, layers} of findSlots(image)) {
      const {keys, layers: sizes} = slots.get(name) ?? {keys: [], layers: new Map<string, number>()}
      keys.push([path, ...layers.map(({diffId}) => diffId)].join(' '))
      for (const {descriptor} of layers) sizes.set(descriptor.digest, descriptor.size)
      slots.set(name, {keys, layers: sizes})
    }
  }
  return {
    digest,
    note: noteIn(document),
    slots: new Map(
      [...slots].map(([name, {keys, layers}]) => {
        const size = [...layers.values()].reduce((sum, each) => sum + each, 0)
        return [name, {key: keys.join('\n'), size}] as const
      }),
    ),
    base: images.map((image) => originOf(image).digest).find((base) => base !== undefined),
    time: newestOf(images),
  }
}

/** The time of the slots' content; for an image without slots, its creation time. */
function newestOf(images: readonly Image[]): number | undefined {
  const times = images.flatMap((image) => {
    const {created, history = []} = image.config.value
    const own = findSlots(image).flatMap(({layers}) =>
      layers.map((layer) => parseTime(history[layer.history ?? -1]?.created)),
    )
    return (own.length > 0 ? own : [parseTime(created)]).filter((time) => time !== undefined)
  })
  return times.length === 0 ? undefined : Math.max(...times)
}
