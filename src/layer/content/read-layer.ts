import {LimitError} from '../../errors.js'
import type {Digest} from '../../oci/digest.js'
import type {ByteStream} from '../../store/content-store.js'
import {blamingSource} from '../../stream/blaming-source.js'
import {abortable} from '../../stream/bytes.js'
import {createTurn, writeInTurns} from '../../stream/take-turns.js'
import {type ByteString, display} from '../byte-string.js'
import {decompress, verifiedDiffId} from '../decompress/decompress.js'
import type {Entry} from '../entry.js'
import {deepestPath, type UnpackLimits, unpackLimits} from '../limits.js'
import {createTarReader} from '../tar/reader.js'
import {createHeaderScanner} from '../tar/scan-headers.js'
import {checkEntry, type EntryRules} from '../unpack/check-entries.js'
import type {EntryRecorder} from './record-entries.js'

/** A layer as it is stored. */
export interface StoredContent {
  readonly open: () => Promise<ByteStream>
  readonly mediaType: string
  readonly diffId: Digest
  /**
   * Of a slot's layer: where the slot's directory is, and what may be in it. It is then read as
   * `unpack` reads it, and paths are relative to the directory. Absent: what engines read is read,
   * and paths are relative to the image's root.
   */
  readonly rules?: EntryRules | undefined
}

/** What a reader of a layer tells of: nothing of an entry that is left out. */
export type EntryListener = Omit<EntryRecorder, 'count'>

/** What reading a layer may cost. */
export interface ReadLimits extends Pick<
  UnpackLimits,
  'ratio' | 'ratioFrom' | 'totalBytes' | 'zstdWindow' | 'entries'
> {
  /** Bytes that sparse files may come to, holes and all: hashing takes them, too. */
  readonly sparseBytes: number
}

export const readLimits: ReadLimits = {...unpackLimits, sparseBytes: 1024 ** 3}

/**
 * Tells `listener` of all entries of a layer, with their content; others get their turn in between.
 * The layer is proved to be the one that its digest and diff ID name once this is over, not before.
 * Throws what `decompress`, `createTarReader` and `checkEntry` throw for a slot's layer, what
 * `createHeaderScanner` throws for others, `LimitError`, the signal's reason, and what `open`
 * throws.
 */
export async function readLayer(
  {open, mediaType, diffId, rules}: StoredContent,
  listener: EntryListener,
  limits: ReadLimits,
  signal: AbortSignal,
): Promise<void> {
  const reader = rules ? slotReader(rules, listener, limits) : imageReader(listener, limits)
  const turn = createTurn()
  await blamingSource(abortable(await open(), signal), async (blob) => {
    for await (const chunk of verifiedDiffId(decompress(blob, mediaType, limits), diffId)) {
      signal.throwIfAborted()
      await writeInTurns(chunk, (piece) => reader.write(piece), turn)
    }
    reader.end()
  })
}

function slotReader(rules: EntryRules, listener: EntryListener, limits: ReadLimits) {
  let isInside = false
  return createTarReader(
    {
      entry(archived) {
        const checked = checkEntry(archived, rules)
        isInside = checked.place === 'inside'
        if (checked.place === 'inside') listener.entry(checked.entry)
      },
      data(bytes) {
        if (isInside) listener.data(bytes)
      },
      hole(zeros) {
        if (isInside) listener.hole(zeros)
      },
      entryEnd() {
        if (isInside) listener.entryEnd()
      },
    },
    limits,
  )
}

/** Entries whose path climbs out of the image, and one for its root, are left out. */
function imageReader(listener: EntryListener, limits: ReadLimits) {
  let isInside = false
  let entries = 0
  return createHeaderScanner(
    (archived) => {
      checkCount(++entries, limits.entries)
      const entry = normalised(archived)
      isInside = entry !== undefined
      if (entry) listener.entry(entry)
    },
    {
      data(bytes) {
        if (isInside) listener.data(bytes)
      },
      hole(zeros) {
        if (isInside) listener.hole(zeros)
      },
      entryEnd() {
        if (isInside) listener.entryEnd()
      },
    },
  )
}

function normalised(entry: Entry): Entry | undefined {
  checkDepth(entry.path)
  const path = normalisePath(entry.path)
  if (path === undefined) return undefined
  if (entry.kind !== 'hardlink') return path === entry.path ? entry : {...entry, path}
  return {...entry, path, target: normalisePath(entry.target) ?? ''}
}

/**
 * `a/b` of `./a//b/` and of `/a/b`; `undefined` for the root itself and for what climbs, which is
 * nothing of the image.
 */
export function normalisePath(path: ByteString): ByteString | undefined {
  if (plain.test(path)) return path
  const names = path.split('/').filter((name) => name !== '' && name !== '.')
  return names.length === 0 || names.includes('..') ? undefined : names.join('/')
}

function checkDepth(path: ByteString): void {
  if (path.length <= shortPath) return
  const names = path.split('/').length
  if (names <= deepestPath) return
  throw new LimitError(
    'ERR_INJECT_PATH_TOO_DEEP',
    `the layer has ${display(path)}, which is ${names} directories deep`,
    {expected: deepestPath, found: names},
  )
}

function checkCount(entries: number, most: number): void {
  if (entries <= most) return
  throw new LimitError('ERR_INJECT_TOO_MANY_ENTRIES', `the layer has more than ${most} entries`, {
    expected: most,
  })
}

/** Bytes of a path that no limit is needed for. */
const shortPath = 4096

/** No name is empty or begins with a dot, and no slash is at the end. */
const plain = /^[^/.][^/]*(?:\/[^/.][^/]*)*$/
