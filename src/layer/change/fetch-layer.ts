import {type BigIntStats, lstatSync, readFileSync, renameSync, writeFileSync} from 'node:fs'
import * as v from 'valibot'
import {parseJsonValue} from '../../oci/json-value.js'
import {type FileState, stateOf} from '../tree/file-state.js'
import type {ByteString} from '../byte-string.js'
import type {Entry} from '../entry.js'
import type {KeptThreads} from '../decompress/kept-threads.js'
import {readTar, type StoredLayer} from '../decompress/read-tar.js'
import {createLayerRecord} from '../recording/layer-record.js'
import {decodeColumns, encodeColumns} from '../recording/packed-walk.js'
import {rowsIn} from '../recording/columns/rows-in.js'
import {putState, stateAt, type WalkColumns} from '../recording/columns/walk-columns.js'
import {createCanonicalCheck} from '../tar/canonical.js'
import {createTarReader} from '../tar/reader.js'
import {trackEntries} from '../tar/track-entries.js'
import {createExtraction, type Extraction} from '../unpack/entries/extract.js'
import {type EntryWitness, inImage} from '../unpack/entries/layer-witness.js'
import {isSpecial} from '../unpack/entries/special-file.js'
import {openTreeRoot, type TreeRoot} from '../unpack/folders/tree-root.js'
import {layerSink} from '../unpack/unpack-layers.js'
import {removeIn} from '../unpack/folders/remove-deep.js'
import type {EntryRules} from '../unpack/entries/check-entries.js'
import {mostSparseBytes, type UnpackLimits} from '../limits.js'
import {isSameState, keepFiles, type StandingFiles, type StayingFiles} from './keep-files.js'
import type {WorkFolder} from './work-folder.js'

/** A layer in a work folder: its files and links, without directories of their own. */
export interface FetchedLayer extends LayerFacts {
  /** The folder that it is in. */
  readonly folder: string
  /** Of all its entries, in their order. */
  readonly columns: WalkColumns
  /** Files that are in the directory, and not in the folder. */
  readonly stays: StayingFiles
}

type LayerFacts = Omit<v.InferOutput<typeof shape>, 'stays'>

const shape = v.object({
  tarSize: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  newestMtime: v.number(),
  /** Packing would write the same tar. */
  isOurs: v.boolean(),
  stays: v.array(v.string()),
})

export interface FetchOptions {
  readonly work: WorkFolder
  readonly rules: EntryRules
  readonly standing: StandingFiles
  /** What paths of entries have before those in the directory. */
  readonly prefix: ByteString
  readonly limits: UnpackLimits
  readonly threads: KeptThreads | undefined
  readonly holes?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  readonly onWarning: (message: string) => void
}

/**
 * Writes a layer into the work folder, unless a run that did not come to its end has done so.
 * `undefined` if it holds more than files, links and plain directories, or is not written as it
 * says. Throws what `unpackLayers` throws.
 */
export async function fetchLayer(
  layer: StoredLayer,
  options: FetchOptions,
): Promise<FetchedLayer | undefined> {
  const {work} = options
  const folder = layer.diffId.replace(':', '-')
  const found = recallLayer(folder, options)
  if (found) return found
  await removeIn(work.folder, folder)
  work.folder.makeFolder(folder)
  const root = openTreeRoot(work.folder.access(folder))
  try {
    const fetched = await writeLayer(layer, root, options)
    if (!fetched) return undefined
    const {columns, stays, ...facts} = fetched
    const head = {...facts, stays: [...stays.keys()]}
    const rows = encodeColumns(columns)
    const part = work.tree.at(`${noteOf(folder)}.part`)
    writeFileSync(part, Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), ...rows]))
    renameSync(part, work.tree.at(noteOf(folder)))
    return {...fetched, folder}
  } finally {
    root.close()
  }
}

function noteOf(folder: string): string {
  return `${folder}${noteEnd}`
}

const noteEnd = '.layer'

/** Whether there is a layer in the work folder that another run can use. */
export function hasFetched({folder}: Pick<WorkFolder, 'folder'>): boolean {
  return folder.names().some((name) => name.endsWith(noteEnd))
}

async function writeLayer(
  layer: StoredLayer,
  root: TreeRoot,
  options: FetchOptions,
): Promise<Omit<FetchedLayer, 'folder'> | undefined> {
  const {rules, prefix, limits, threads, holes, signal, onWarning, standing} = options
  const written = createExtraction(root, onWarning, {holes, states: true})
  const extraction = keepFiles(written, standing)
  try {
    const witness = createRowWitness(prefix)
    const sink = layerSink(
      withoutFolders(extraction),
      {...rules, special: limits.special},
      {onWarning, witness},
    )
    const {handler, at} = trackEntries(sink.handler)
    const sparseBytes = Math.min(limits.totalBytes, mostSparseBytes)
    const reader = createTarReader(handler, {...limits, sparseBytes})
    const place = {...layer.place, at}
    const tarSize = await readTar({...layer, place}, reader, {limits, signal, threads})
    if (!witness.record.isComplete() || extraction.hasReplaced()) return undefined
    const columns = witness.record.columns()
    const {stays} = extraction
    lookAtLinks(columns, (path) => {
      const inside = path.slice(prefix.length)
      return stays.has(inside) ? undefined : lstatSync(root.at(inside), {bigint: true})
    })
    return {...witness.facts(tarSize), columns, stays}
  } finally {
    extraction.close()
  }
}

/** Directories are made where they are needed, and special files are not ours to move. */
function withoutFolders(extraction: Extraction): Extraction {
  return {
    ...extraction,
    add(entry) {
      if (entry.kind !== 'directory' && !isSpecial(entry)) extraction.add(entry)
    },
  }
}

function createRowWitness(prefix: ByteString) {
  const check = createCanonicalCheck()
  const record = createLayerRecord()
  let newestMtime = -Infinity
  let hasAttributes = false
  const witness: EntryWitness = {
    header: check.header,
    extension: check.extension,
    oddPadding: check.oddPadding,
    entry(archived: Entry, inside) {
      const {kind, mtime, xattrs} = check.entry(archived)
      newestMtime = Math.max(newestMtime, mtime)
      hasAttributes ||= kind === 'file' && xattrs !== undefined && xattrs.size > 0
      if (inside) record.add(inImage(inside, prefix))
    },
    written: ({stat}) => record.written(stat),
  }
  const facts = (tarSize: number): LayerFacts => ({
    tarSize,
    newestMtime: Number.isFinite(newestMtime) ? newestMtime : 0,
    isOurs: check.isCanonical(tarSize) && !hasAttributes,
  })
  return {...witness, record, facts}
}

/** A link gives the file that it names another state. */
function lookAtLinks(
  columns: WalkColumns,
  look: (path: ByteString) => BigIntStats | undefined,
): void {
  const rows = [...rowsIn(columns)]
  const hasLinks = rows.some(({kind}) => kind === 'hardlink')
  for (const {row, kind, path} of rows) {
    if (kind === 'directory' || (kind === 'file' && !hasLinks)) continue
    const stat = look(path)
    if (stat) putState(columns.states, row + 1, stateOf(stat))
  }
}

/** What a run has written that was killed or stopped, if nothing has happened to it since. */
function recallLayer(
  folder: string,
  {work: {tree}, prefix, standing: {files}}: FetchOptions,
): FetchedLayer | undefined {
  const path = tree.at(noteOf(folder))
  if (lstatSync(path, {throwIfNoEntry: false})?.isFile() !== true) return undefined
  const note = readFileSync(path)
  const end = note.indexOf('\n')
  const facts = v.safeParse(shape, parseJsonValue(note.toString('utf8', 0, end)))
  const columns = decodeColumns(note.subarray(end + 1))
  if (!facts.success || !columns) return undefined
  const staying = new Set(facts.output.stays)
  const stays = new Map<ByteString, FileState>()
  for (const {row, kind, path} of rowsIn(columns)) {
    if (kind === 'directory') continue
    const inside = path.slice(prefix.length)
    const state = stateAt(columns.states, row + 1)
    const stat = staying.has(inside) ? standingState(files, inside) : stateIn(tree, folder, inside)
    if (!stat || !isSameState(stat, state)) return undefined
    if (staying.has(inside)) stays.set(inside, state)
  }
  return {...facts.output, columns, folder, stays}
}

function standingState(files: StandingFiles['files'], path: ByteString): FileState | undefined {
  const row = files.get(path)
  return row && stateAt(row.columns.states, row.row + 1)
}

function stateIn(tree: TreeRoot, folder: string, path: ByteString): FileState | undefined {
  return lstatSync(tree.at(`${folder}/${path}`), {bigint: true, throwIfNoEntry: false})
}
