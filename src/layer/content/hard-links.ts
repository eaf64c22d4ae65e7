import {LimitError} from '../../errors.js'
import {type ContentRecord, isEntry, orderOf} from './record.js'
import {
  createRecordStore,
  recordLimits,
  type RecordStore,
  type RecordWriter,
} from './record-store.js'
import {mergeSorted} from './merge-sorted.js'

/** Hard links that name hard links that name …: archivers name the first one, or the one before. */
const mostRounds = 8

const linkLimits = {...recordLimits, memory: 16 * 1024 * 1024}

/** The records of a tree whose hard links are files, where their targets were found. */
export interface LinkedRecords {
  /** In the order of `compareRecords`; can be asked for again. */
  sorted(): Iterable<ContentRecord>
  close(): void
}

/**
 * Gives hard links the content and metadata of the entry that they name: the one that stood at its
 * path when the link was made, in the same layer or in one below. A link whose target is in no
 * layer that was read stays a link. Takes a pass over the records for each step that links are
 * away from their file; none where `hasLinks` is false. `temporary` is the folder for temporary
 * files. Throws `LimitError` for links that are too many steps away, and what the store throws.
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
    let wishes: RecordStore | undefined
    for (let round = 0; round === 0 || wishes; round++) {
      if (round >= mostRounds) throw tooManySteps()
      wishes = resolveOnce(store, wishes, write, temporary)
    }
  } catch (error) {
    resolved.close()
    throw error
  }
  return {
    // of equal order the resolved one comes last, and so counts
    sorted: () => mergeSorted([iterate(store), iterate(resolved)]),
    close: () => resolved.close(),
  }
}

/** The wishes of links that name links; `undefined` when there are none. Closes `wishes`. */
function resolveOnce(
  store: RecordStore,
  wishes: RecordStore | undefined,
  write: RecordWriter,
  temporary: string,
): RecordStore | undefined {
  const isFirst = wishes === undefined
  let next: {readonly store: RecordStore; readonly write: RecordWriter} | undefined
  try {
    const candidates = createCandidates()
    for (const record of mergeSorted(
      wishes ? [iterate(store), iterate(wishes)] : [iterate(store)],
    )) {
      // those of the store were heard in the first round
      const isHeard = record.kind === 'link' && (isFirst || record.mode === forwarded)
      if (!isHeard) {
        candidates.take(record)
        continue
      }
      for (const {target, sides} of candidates.of(record)) {
        const wish = {...record, sides}
        if (target.kind !== 'hardlink') write(fulfilled(wish, target))
        else {
          next ??= openStore(temporary)
          next.write(forward(wish, target))
        }
      }
    }
    return next?.store
  } catch (error) {
    next?.store.close()
    throw error
  } finally {
    wishes?.close()
  }
}

/** The `mode` of a wish that is not the link's first, which has none of its own. */
const forwarded = 1

function fulfilled(wish: ContentRecord, target: ContentRecord): ContentRecord {
  const [layer, sequence] = [Math.floor(wish.inode / 2 ** 32), wish.inode % 2 ** 32]
  return {...target, path: wish.target, layer, sequence, sides: wish.sides, inode: target.inode}
}

function forward(wish: ContentRecord, target: ContentRecord): ContentRecord {
  const {layer, sequence} = target
  return {...wish, path: target.target, layer, sequence, mode: forwarded}
}

/** What a link may name: of the records of its target's path, those before it. */
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
    of(wish: ContentRecord): readonly Pick<Found, 'target' | 'sides'>[] {
      if (wish.path !== path) reset(wish.path)
      if (inLayer?.layer === wish.layer && isBefore(inLayer, wish))
        return [{target: inLayer, sides: wish.sides}]
      const found: Found[] = []
      if (first && (wish.sides & 1) !== 0 && isBefore(first, wish))
        found.push({target: first, sides: 1})
      if (second && (wish.sides & 2) !== 0 && isBefore(second, wish))
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

function isBefore(record: ContentRecord, wish: ContentRecord): boolean {
  return orderOf(record.layer, record.sequence) < orderOf(wish.layer, wish.sequence)
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
