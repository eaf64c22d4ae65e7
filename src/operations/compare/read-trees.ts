import type {NumberedLayer} from '../../image/image.js'
import {type LayerPlace, layerTitle} from '../../layer/in-layer.js'
import type {ContentRecord, Sides} from '../../layer/records/record.js'
import {resolveLinks} from '../../layer/records/hard-links.js'
import {type EntryRecorder, recordEntries} from '../../layer/records/record-entries.js'
import {createRecordStore, type RecordStore} from '../../layer/records/record-store.js'
import {readDirectory} from '../../layer/records/read-directory.js'
import {type ReadLimits, readLayer, readTable} from '../../layer/records/read-layer.js'
import type {Entries} from '../../layer/tree/walked-entry.js'
import type {EntryRules} from '../../layer/unpack/entries/check-entries.js'
import {isForeignLayer, layerCompression} from '../../oci/media-type.js'
import type {ByteStream} from '../../store/content-store.js'
import {drain, tap} from '../../stream/bytes.js'
import {mapAhead} from '../../stream/map-ahead.js'
import type {Ports} from '../../ports.js'
import type {LayerParts} from '../parts/layer-table.js'
import {matchLayers} from './match-layers.js'

/** A layer of a tree that can be read. */
export interface TreeLayer extends NumberedLayer {
  readonly open: (signal: AbortSignal) => Promise<ByteStream>
  /** If parts of it can be read by its table of contents. */
  readonly parts: LayerParts | undefined
}

/** Where a tree comes from. */
export type TreeSource =
  | {readonly kind: 'directory'; readonly entries: Entries}
  | {
      readonly kind: 'layers'
      /** Lowest first. */
      readonly layers: readonly TreeLayer[]
      /** For a slot: how its layers are read. */
      readonly rules?: EntryRules | undefined
    }

export interface ReadOptions {
  /** Read layers that both images have as well. */
  readonly exact: boolean
  /** Believe the tables of contents of layers that have one, instead of reading the layers. */
  readonly tables: boolean
  /** Hash the content of files. */
  readonly hashes: boolean
  /** The folder for temporary files. */
  readonly temporary: string
  readonly limits: ReadLimits
}

/** One or two trees as records. The caller ends it with `close`. */
export interface ReadTrees {
  /** In the order of a tree; can be asked for again. */
  records(): Iterable<ContentRecord>
  /** Entries of each layer, by its number. */
  readonly counts: readonly number[]
  readonly hasLinks: boolean
  /**
   * Which paths the unread common layers may hold, too: layers of one slot never share files, but
   * they repeat directories.
   */
  readonly shared: 'none' | 'directories' | 'all'
  /** The number of the lowest of them; `Infinity` for none. */
  readonly lowestShared: number
  /** How many layers were read. */
  readonly read: number
  close(): void
}

/** The number of concurrent reads: fewer for large layers, which keep this thread busy anyway. */
const [width, narrow, large] = [4, 2, 64 * 1024 * 1024]

/**
 * Reads the layers that only one of the trees has; with `exact` all of them. Layers that are
 * encrypted or not in any registry are skipped with a warning. Throws what `readLayer` and
 * `readDirectory` throw.
 */
export async function readTrees(
  first: TreeSource,
  second: TreeSource | undefined,
  options: ReadOptions,
  ports: Pick<Ports, 'report' | 'signal'>,
): Promise<ReadTrees> {
  const parts = partsOf(first, second)
  const wanted = parts.filter(({sides, source}) => {
    const isShared = sides === 3 && second !== undefined && !options.exact
    return !isShared && (source.kind === 'directory' || isReadable(source.layer, ports))
  })
  const store = createRecordStore(options.temporary)
  const counts = parts.map(() => 0)
  let hasLinks = false
  try {
    await readAll(wanted, ports, async (part, signal, onBytes) => {
      const recorder = recorderOf(part, options, store, () => (hasLinks = true))
      if (part.source.kind === 'directory')
        await readDirectory(part.source.entries, recorder, signal)
      else await readLayerOf(part.source, recorder, {...options, onBytes}, signal)
      counts[part.number] = recorder.count()
    })
    const linked = resolveLinks(store, hasLinks, options.temporary)
    const unread = second && !options.exact ? parts.filter(({sides}) => sides === 3) : []
    const isSlot = first.kind === 'layers' && first.rules !== undefined
    return {
      records: () => linked.sorted(),
      counts,
      hasLinks,
      shared: unread.length === 0 ? 'none' : isSlot ? 'directories' : 'all',
      lowestShared: unread[0]?.number ?? Infinity,
      read: wanted.length,
      close() {
        linked.close()
        store.close()
      },
    }
  } catch (error) {
    store.close()
    throw error
  }
}

/** A directory or a layer, and its side. */
interface Part {
  /** In the order of both trees. */
  readonly number: number
  readonly sides: Sides
  readonly source:
    | {readonly kind: 'directory'; readonly entries: Entries}
    | {readonly kind: 'layer'; readonly layer: TreeLayer; readonly rules: EntryRules | undefined}
}

function partsOf(first: TreeSource, second: TreeSource | undefined): Part[] {
  const parts =
    second && canShare(first, second) ? sharedParts(first, second) : separateParts(first, second)
  return parts.map((part, number) => ({...part, number}))
}

type Layers = TreeSource & {readonly kind: 'layers'}

function canShare(first: TreeSource, second: TreeSource): boolean {
  if (first.kind !== 'layers' || second.kind !== 'layers') return false
  return first.rules?.prefix === second.rules?.prefix
}

function sharedParts(first: TreeSource, second: TreeSource): Omit<Part, 'number'>[] {
  const {layers, rules} = first as Layers
  return matchLayers(layers, (second as Layers).layers).map(({first: one, second: other}) => ({
    sides: one && other ? 3 : one ? 1 : 2,
    source: {kind: 'layer', layer: (one ?? other) as TreeLayer, rules},
  }))
}

function separateParts(first: TreeSource, second: TreeSource | undefined): Omit<Part, 'number'>[] {
  return [first, second].flatMap((source, at): Omit<Part, 'number'>[] => {
    const sides = at === 0 ? 1 : 2
    if (!source) return []
    if (source.kind === 'directory') return [{sides, source}]
    const {layers, rules} = source
    return layers.map((layer) => ({sides, source: {kind: 'layer', layer, rules}}))
  })
}

function isReadable(layer: TreeLayer, {report}: Pick<Ports, 'report'>): boolean {
  const {mediaType} = layer.descriptor
  if (layerCompression(mediaType) !== undefined && !isForeignLayer(mediaType)) return true
  const why = isForeignLayer(mediaType) ? 'registries do not distribute it' : 'it may be encrypted'
  const title = layerTitle(placeOf(layer))
  report({kind: 'warning', message: `${title} is skipped: it cannot be read (${why})`})
  return false
}

function recorderOf(
  {number, sides, source}: Part,
  {hashes}: ReadOptions,
  store: RecordStore,
  onLink: () => void,
): EntryRecorder {
  // in a slot, and in a directory, whiteouts are files like others, as unpack has them
  const whiteouts = source.kind === 'layer' && source.rules === undefined
  const write = store.openWriter()
  return recordEntries({layer: number, sides, hashes, whiteouts}, (record) => {
    if (record.kind === 'link') onLink()
    write(record)
  })
}

async function readLayerOf(
  source: Extract<Part['source'], {readonly kind: 'layer'}>,
  recorder: EntryRecorder,
  {tables, limits, onBytes}: ReadOptions & {readonly onBytes: (bytes: number) => void},
  signal: AbortSignal,
): Promise<void> {
  const {layer, rules} = source
  const table = tables ? await layer.parts?.table(signal) : undefined
  if (!table) return readLayer(storedContent(source, signal, onBytes), recorder, limits, signal)
  await readTable(table, recorder, {rules, limits}, signal)
  onBytes(layer.descriptor.size)
}

function storedContent(
  {layer, rules}: Extract<Part['source'], {readonly kind: 'layer'}>,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
) {
  const {mediaType} = layer.descriptor
  const open = async () => tap(await layer.open(signal), (chunk) => onBytes(chunk.length))
  return {open, mediaType, diffId: layer.diffId, place: placeOf(layer), rules}
}

/** For messages. */
export function placeOf({number, descriptor: {digest}}: TreeLayer): LayerPlace {
  return {number, digest}
}

/** A few at a time; the first failure stops the others. */
async function readAll(
  parts: readonly Part[],
  {report, signal}: Pick<Ports, 'report' | 'signal'>,
  read: (part: Part, signal: AbortSignal, onBytes: (bytes: number) => void) => Promise<void>,
): Promise<void> {
  const failed = new AbortController()
  const either = AbortSignal.any([signal, failed.signal])
  const sizes = parts.map(({source}) =>
    source.kind === 'layer' ? source.layer.descriptor.size : 0,
  )
  const total = sizes.reduce((sum, size) => sum + size, 0)
  let done = 0
  const onBytes = (bytes: number): void => {
    done += bytes
    report({kind: 'bytes', done, total})
  }
  const results = mapAhead(
    parts,
    async (part) => {
      try {
        await read(part, either, onBytes)
      } catch (error) {
        failed.abort(error)
        throw error
      }
    },
    total > large ? narrow : width,
  )
  await drain(results)
}
