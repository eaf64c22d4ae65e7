import {LimitError} from '../../errors.js'
import {hexOf} from '../../oci/digest.js'
import {createTurn} from '../../stream/take-turns.js'
import {type ByteString, display} from '../byte-string.js'
import {readTar, type StoredLayer} from '../decompress/read-tar.js'
import type {LayerTable, TableEntry} from '../chunked/table.js'
import type {Entry} from '../entry.js'
import {checkEntryCount, deepestPath, type UnpackLimits, unpackLimits} from '../limits.js'
import {normalisePath} from '../normalise-path.js'
import {createTarReader} from '../tar/reader.js'
import type {TarHandler} from '../tar/tar-handler.js'
import {type ContentHandler, createHeaderScanner} from '../tar/scan-headers.js'
import {trackEntries} from '../tar/track-entries.js'
import {checkEntry, type EntryRules} from '../unpack/entries/check-entries.js'
import type {EntryRecorder} from './record-entries.js'

/** A layer as it is stored, and how it is read. */
export interface StoredContent extends StoredLayer {
  /**
   * Of a slot's layer: where the slot's directory is, and what may be in it. It is then read as
   * `unpack` reads it, and paths are relative to the directory. Absent: what engines read is read,
   * and paths are relative to the image's root.
   */
  readonly rules?: EntryRules | undefined
}

/** Called by the reader of a layer; not for entries that are left out. */
export type EntryListener = Omit<EntryRecorder, 'count'>

/** Limits for reading a layer. */
export interface ReadLimits extends Pick<
  UnpackLimits,
  'ratio' | 'ratioFrom' | 'totalBytes' | 'zstdWindow' | 'entries'
> {
  /** The most bytes of sparse files including holes, which are hashed, too. */
  readonly sparseBytes: number
}

export const readLimits: ReadLimits = {...unpackLimits, sparseBytes: 1024 ** 3}

/**
 * The usual limits, but for what was asked for, in bytes: what a layer may unpack to, whatever its
 * own size, and the largest window of zstd.
 */
export function limitsFor({
  largest,
  zstdWindow,
}: {
  readonly largest?: number | undefined
  readonly zstdWindow?: number | undefined
}): ReadLimits {
  return {
    ...readLimits,
    ...(largest !== undefined && {totalBytes: largest, sparseBytes: largest, ratio: Infinity}),
    ...(zstdWindow !== undefined && {zstdWindow}),
  }
}

/**
 * Tells `listener` of all entries of a layer, with their content; others get their turn in between.
 * The layer is proved to be the one that its digest and diff ID name once this is over, not before.
 * Throws what `decompress`, `createTarReader` and `checkEntry` throw for a slot's layer, what
 * `createHeaderScanner` throws for others, `LimitError`, the signal's reason, and what `open`
 * throws.
 */
export async function readLayer(
  {rules, ...stored}: StoredContent,
  listener: EntryListener,
  limits: ReadLimits,
  signal: AbortSignal,
): Promise<void> {
  const {handler, at} = trackEntries(chosenEntries(listener, choiceOf(rules, limits)))
  const reader = rules
    ? createTarReader(handler, limits)
    : createHeaderScanner((entry) => handler.entry(entry, 0), handler)
  await readTar({...stored, place: {...stored.place, at}}, reader, {limits, signal})
}

/** Called by both readers for all content. */
type ContentTarHandler = TarHandler & ContentHandler

/**
 * Tells `listener` of all entries of a table of contents, without their content but with its hash,
 * as `readLayer` does of a layer. Throws what `checkEntry` throws for a slot's layer, `LimitError`,
 * and the signal's reason.
 */
export async function readTable(
  table: LayerTable,
  listener: EntryListener,
  {rules, limits}: {readonly rules: EntryRules | undefined; readonly limits: ReadLimits},
  signal: AbortSignal,
): Promise<void> {
  const turn = createTurn(signal)
  for (const {entry, place} of chosenTableEntries(table, rules, limits)) {
    listener.entry(entry, place && Buffer.from(hexOf(place.digest), 'hex').toString('latin1'))
    listener.entryEnd()
    if (turn.isOver()) await turn.giveTurn()
  }
}

/** The entries that `readTable` tells of, with the paths that they have there. */
export function* chosenTableEntries(
  table: LayerTable,
  rules: EntryRules | undefined,
  limits: ReadLimits,
): Generator<TableEntry, void, undefined> {
  const choose = choiceOf(rules, limits)
  for (const {entry: archived, place} of table.entries()) {
    const entry = choose(archived)
    if (entry) yield {entry, place}
  }
}

/**
 * What is told of an entry; `undefined`: nothing. In an image, entries whose path climbs out of it,
 * and one for its root, are left out.
 */
function choiceOf(
  rules: EntryRules | undefined,
  limits: ReadLimits,
): (archived: Entry) => Entry | undefined {
  if (rules) {
    return (archived) => {
      const checked = checkEntry(archived, rules)
      return checked.place === 'inside' ? checked.entry : undefined
    }
  }
  let entries = 0
  return (archived) => {
    checkEntryCount(++entries, limits.entries)
    return normalised(archived)
  }
}

/** Reports the entries that `choose` returns, and their content. */
function chosenEntries(
  listener: EntryListener,
  choose: (archived: Entry) => Entry | undefined,
): ContentTarHandler {
  let isInside = false
  return {
    entry(archived) {
      const entry = choose(archived)
      isInside = entry !== undefined
      if (entry) listener.entry(entry)
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
  }
}

function normalised(entry: Entry): Entry | undefined {
  checkDepth(entry.path)
  const path = normalisePath(entry.path)
  if (path === undefined) return undefined
  if (entry.kind !== 'hardlink') return path === entry.path ? entry : {...entry, path}
  return {...entry, path, target: normalisePath(entry.target) ?? ''}
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

/** Bytes of a path that no limit is needed for. */
const shortPath = 4096
