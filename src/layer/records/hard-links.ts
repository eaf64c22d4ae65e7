import {LimitError} from '../../errors.js'
import {type ContentRecord, isEntry, orderOf} from './record.js'
import {
  createRecordStore,
  recordLimits,
  type RecordStore,
  type RecordWriter,
} from './record-store.js'
import {mergeSorted} from './merge-sorted.js'

/** The longest chain of hard links; archivers name the first file, or the link before. */
const mostRounds = 8

const linkLimits = {...recordLimits, memory: 16 * 1024 * 1024}

/** The records of a tree in which hard links became files, if their targets were found. */
export interface LinkedRecords {
  /** In the order of `compareRecords`; can be asked for again. */
  sorted(): Iterable<ContentRecord>
  close(): void
}

/**
 * Gives hard links the content and metadata of the entry that they name: the one that stood at its
 * path when the link was made, in the same layer or in one below. A link whose target is in no
 * layer that was read stays a link. Takes a pass over the records for each step that links are away
 * from their file; none if `hasLinks` is false. `temporary` is the folder for temporary files.
 * Throws `LimitError` for links that are too many steps away, and what the store throws.
 */
export function resolveLinks(
  store: RecordStore,
  hasLinks: boolean,
  temporary: string,
): LinkedRecords {
  if (!hasLinks) return {sorted: () => store.sorted(), close: () => undefined}
  const resolved = createRecordStore(temporary, linkLimits)
  try {
    const write = resolved.openWriter()
    let requests: RecordStore | undefined
    for (let round = 0; round === 0 || requests; round++) {
      if (round >= mostRounds) throw tooManySteps()
      requests = resolveOnce(store, requests, write, temporary)
    }
  } catch (error) {
    resolved.close()
    throw error
  }
  return {
    // of equal order the resolved one comes last, so it counts
    sorted: () => mergeSorted([iterate(store), iterate(resolved)]),
    close: () => resolved.close(),
  }
}

/** The requests of links whose target is a link; `undefined`: none. Closes `requests`. */
function resolveOnce(
  store: RecordStore,
  requests: RecordStore | undefined,
  write: RecordWriter,
  temporary: string,
): RecordStore | undefined {
  const isFirst = requests === undefined
  let next: {readonly store: RecordStore; readonly write: RecordWriter} | undefined
  try {
    const candidates = createCandidates()
    for (const record of mergeSorted(
      requests ? [iterate(store), iterate(requests)] : [iterate(store)],
    )) {
      // those in the store were handled in the first round
      const isHeard = record.kind === 'link' && (isFirst || record.mode === forwarded)
      if (!isHeard) {
        candidates.take(record)
        continue
      }
      for (const {target, sides} of candidates.of(record)) {
        const request = {...record, sides}
        if (target.kind !== 'hardlink') write(fulfilled(request, target))
        else {
          next ??= openStore(temporary)
          next.write(forward(request, target))
        }
      }
    }
    return next?.store
  } catch (error) {
    next?.store.close()
    throw error
  } finally {
    requests?.close()
  }
}

/** The `mode` that marks a forwarded request. */
const forwarded = 1

function fulfilled(request: ContentRecord, target: ContentRecord): ContentRecord {
  const [layer, sequence] = [Math.floor(request.inode / 2 ** 32), request.inode % 2 ** 32]
  return {
    ...target,
    path: request.target,
    layer,
    sequence,
    sides: request.sides,
    inode: target.inode,
  }
}

function forward(request: ContentRecord, target: ContentRecord): ContentRecord {
  const {layer, sequence} = target
  return {...request, path: target.target, layer, sequence, mode: forwarded}
}

/** The records that a link may name: those of its target's path that come before it. */
function createCandidates() {
  let path: string | undefined
  let inLayer: ContentRecord | undefined
  let [first, second]: (ContentRecord | undefined)[] = []

  return {
    take(record: ContentRecord): void {
      if (record.path !== path) reset(record.path)
      if (record.kind === 'whiteout') {
        if ((record.sides & 1) !== 0 && isLower(first, record)) first = undefined
        if ((record.sides & 2) !== 0 && isLower(second, record)) second = undefined
      }
      if (!isEntry(record) || record.kind === 'directory') return
      inLayer = record
      if ((record.sides & 1) !== 0) first = record
      if ((record.sides & 2) !== 0) second = record
    },
    of(request: ContentRecord): readonly Pick<Found, 'target' | 'sides'>[] {
      if (request.path !== path) reset(request.path)
      if (inLayer?.layer === request.layer && isBefore(inLayer, request))
        return [{target: inLayer, sides: request.sides}]
      const found: Found[] = []
      if (first && (request.sides & 1) !== 0 && isBefore(first, request))
        found.push({target: first, sides: 1})
      if (second && (request.sides & 2) !== 0 && isBefore(second, request))
        found.push({target: second, sides: 2})
      return found
    },
  }

  function reset(next: string): void {
    path = next
    inLayer = first = second = undefined
  }
}

interface Found {
  readonly target: ContentRecord
  readonly sides: ContentRecord['sides']
}

function isLower(record: ContentRecord | undefined, {layer}: ContentRecord): boolean {
  return record !== undefined && record.layer < layer
}

function isBefore(record: ContentRecord, request: ContentRecord): boolean {
  return orderOf(record.layer, record.sequence) < orderOf(request.layer, request.sequence)
}

function openStore(temporary: string) {
  const store = createRecordStore(temporary, linkLimits)
  return {store, write: store.openWriter()}
}

function iterate(store: RecordStore): Iterator<ContentRecord> {
  return store.sorted()[Symbol.iterator]()
}

function tooManySteps(): LimitError {
  return new LimitError(
    'ERR_INJECT_HARD_LINKS_TOO_DEEP',
    `the layer has hard links that are more than ${mostRounds} links away from a file`,
    {expected: mostRounds},
  )
}
