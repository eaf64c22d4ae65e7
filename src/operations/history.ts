import {descriptorOf} from '../image/document.js'
import type {Digest} from '../oci/digest.js'
import {repositoryName, type Reference} from '../oci/names/reference.js'
import {formatTime} from '../oci/time.js'
import type {Ports} from '../ports.js'
import {findDocument} from './find/find-document.js'
import {type HistoryStep, walkHistory, type WalkedStep} from './follow/walk-history.js'

/** What a run did to a slot. */
export interface HistorySlot {
  readonly name: string
  readonly action: 'added' | 'replaced' | 'removed'
  /** Compressed bytes of its layers; 0 when it was removed. */
  readonly size: number
}

/** One state of a tag, and the run that made it. */
export interface HistoryEntry {
  /** The number that `rollback` takes; 0 is the current state. */
  readonly number: number
  readonly digest: Digest
  /** Whether the repository still has it. */
  readonly present: boolean
  /** The time of the newest content, RFC 3339; `null` if the image does not record it. */
  readonly time: string | null
  /** Compared with the state before; for the oldest one, all of its slots. */
  readonly slots: readonly HistorySlot[]
  /** Whether the slots were put on another image of the vendor. */
  readonly rebased: boolean
  /** The vendor's image that the slots are on. */
  readonly base: Digest | null
  /** As recorded by the run; `null` if it was not. */
  readonly entries: number | null
  readonly bytes: number | null
  readonly version: string | null
  readonly note: string | null
}

export interface HistoryResult {
  readonly reference: string
  readonly digest: Digest
  /** Newest first. */
  readonly history: readonly HistoryEntry[]
  /** Whether there may be more than was asked for. */
  readonly more: boolean
}

/** What a tag named, as far as the images themselves say it, newest first. */
export async function history(
  {reference, most}: {readonly reference: Reference; readonly most: number},
  ports: Ports,
): Promise<HistoryResult> {
  const store = await ports.openStore(reference, {writes: false})
  try {
    const found = await findDocument(store, reference, ports)
    const {digest} = descriptorOf(found)
    const steps: WalkedStep[] = []
    for await (const step of walkHistory(store, digest, ports.signal)) {
      steps.push(step)
      // one more, to find out what the last one changed
      if (steps.length > most) break
    }
    const entries = steps.map((step, at) => describe(step, steps[at + 1], at))
    return {
      reference: `${repositoryName(reference)}@${digest}`,
      digest,
      history: entries.slice(0, most),
      more: steps.length > most,
    }
  } finally {
    await store.close()
  }
}

function describe(step: WalkedStep, before: WalkedStep | undefined, number: number): HistoryEntry {
  if ('kind' in step) return {...nothing, number, digest: step.digest, present: false}
  const {digest, note, time, base} = step
  const old = before && !('kind' in before) ? before : undefined
  return {
    ...{number, digest, present: true},
    time: time === undefined ? null : formatTime(time),
    slots: changes(step, old),
    rebased: base !== undefined && old?.base !== undefined && base !== old.base,
    base: base ?? null,
    entries: note?.entries ?? null,
    bytes: note?.bytes ?? null,
    version: note?.version ?? null,
    note: note?.note ?? null,
  }
}

const nothing = {
  time: null,
  slots: [],
  rebased: false,
  base: null,
  entries: null,
  bytes: null,
  version: null,
  note: null,
}

function changes({slots}: HistoryStep, before: HistoryStep | undefined): HistorySlot[] {
  const old = before?.slots ?? new Map<string, never>()
  const now = [...slots].flatMap(([name, {key, size}]): HistorySlot[] => {
    const known = old.get(name)
    if (known?.key === key) return []
    return [{name, action: known ? 'replaced' : 'added', size}]
  })
  const gone = [...old.keys()].filter((name) => !slots.has(name))
  return [...now, ...gone.map((name): HistorySlot => ({name, action: 'removed', size: 0}))]
}
