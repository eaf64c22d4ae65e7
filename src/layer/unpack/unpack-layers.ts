import {fstatSync} from 'node:fs'
import {type ByteString, fromText} from '../byte-string.js'
import {type CheckedEntry, checkEntry, type EntryRules} from './entries/check-entries.js'
import {usualKeptThreads} from '../decompress/decompress.js'
import {readTar, type StoredLayer} from '../decompress/read-tar.js'
import type {Entry, EntryMetadata} from '../entry.js'
import {ignoreFileName} from '../tree/ignore-rules.js'
import type {Extraction} from './entries/extract.js'
import {fillDirectory, type FillOptions, type ReplacedPlace} from './fill-directory.js'
import {createTarReader} from '../tar/reader.js'
import type {TarHandler} from '../tar/tar-handler.js'
import {trackEntries} from '../tar/track-entries.js'
import type {LayerPlace} from '../in-layer.js'
import {settleRoot} from '../recording/layer-record.js'
import type {WalkColumns} from '../recording/columns/walk-columns.js'
import {
  createLayerWitness,
  type EntryWitness,
  type WitnessedLayer,
} from './entries/layer-witness.js'
import {isPast} from '../later-clock.js'
import {isSpecial} from './entries/special-file.js'
import {checkSpecials, mostSparseBytes, type UnpackLimits, unpackLimits} from '../limits.js'
import {isWhiteout} from '../whiteout.js'
import type {TreeRoot} from './folders/tree-root.js'
import {windowsFiles, windowsHives} from '../tree/windows.js'

/** A layer whose blob is opened once, when it is clear that the directory can be filled. */
interface LayerToUnpack extends Omit<StoredLayer, 'place'> {
  /** Default: its position among the layers, and its diff ID. */
  readonly place?: LayerPlace | undefined
}

interface UnpackOptions extends FillOptions {
  /**
   * Where in the image the directory belongs: `/`, or a clean absolute path such as `/opt/models`.
   */
  readonly path: string
  /** They are layers of a Windows image, and have the directory's content below `Files`. */
  readonly windows?: boolean | undefined
  /** Make device nodes; refused otherwise. */
  readonly devices?: boolean | undefined
  readonly limits?: Partial<UnpackLimits> | undefined
  /** Stands between the reader and what is written: takes the vendor's part out of files. */
  readonly unmerge?: ((handler: TarHandler) => TarHandler) | undefined
  /** Find out what the layers will look like to a later `update`. */
  readonly witnesses?: boolean | undefined
}

export type UnpackLayerOptions = UnpackOptions & LayerToUnpack

export interface UnpackLayersOptions extends UnpackOptions {
  /** Lowest first. */
  readonly layers: readonly LayerToUnpack[]
}

export interface UnpackedLayer {
  /** Directories count in the last layer only: the others repeat those that they need. */
  readonly entries: number
  /** Of the uncompressed tar. */
  readonly bytes: number
  /** Entries whose names delete files of layers below; here they are plain files. */
  readonly whiteouts: number
  /**
   * Why the directory was filled name by name instead of replaced as a whole, one clause;
   * `undefined` when it was replaced.
   */
  readonly refilled: string | undefined
  /** With `witnesses`: see `LayerWitness`. */
  readonly witnessed: readonly (WitnessedLayer | undefined)[]
  /** With `witnesses`: what a walk of the directory would find, if that is certain. */
  readonly walk: WalkColumns | undefined
}

/** `unpackLayers` of one layer. */
export function unpackLayer({
  open,
  mediaType,
  diffId,
  place,
  ...options
}: UnpackLayerOptions): Promise<UnpackedLayer> {
  return unpackLayers({...options, layers: [{open, mediaType, diffId, place}]})
}

/**
 * Makes `directory` the content of layers, one laid over the other; what would delete something of
 * the layers below in an image is a plain file. It appears complete, after the diff IDs have proved
 * right, or not at all: see `fillDirectory`. Throws `LocalIoError` for a directory that is not
 * empty (without `force`), `PreconditionError` for a layer that we cannot read, `IntegrityError`
 * for one that is not what it should be, `UnsafeContentError`, `LimitError`, `LocalIoError`, the
 * signal's reason, and what `open` throws.
 */
export async function unpackLayers(options: UnpackLayersOptions): Promise<UnpackedLayer> {
  const {layers, signal, onWarning} = options
  const limits = {...unpackLimits, ...options.limits}
  const rules = rulesOf(options)
  const unmerge = options.unmerge ?? ((handler: TarHandler) => handler)
  const prefix = rules.prefix === '' ? '' : `${rules.prefix}/`
  const diffIds = layers.map(({diffId}) => diffId)
  const witness = options.witnesses === true ? createLayerWitness({prefix, diffIds}) : undefined
  let witnessed: readonly (WitnessedLayer | undefined)[] = layers.map(() => undefined)
  let walk: WalkColumns | undefined
  const {result, refilled} = await fillDirectory(
    {...options, states: witness !== undefined},
    async (extraction) => {
      const sink = layerSink(extraction, {...rules, special: limits.special}, {onWarning, witness})
      const threads = usualKeptThreads()
      let bytes = 0
      try {
        for (const [position, layer] of layers.entries()) {
          sink.beginLayer()
          const left = {...limits, totalBytes: limits.totalBytes - bytes}
          const sparseBytes = Math.min(limits.totalBytes, mostSparseBytes)
          const {handler, at} = trackEntries(unmerge(sink.handler))
          const reader = createTarReader(handler, {...limits, sparseBytes})
          const where = {number: position + 1, digest: layer.diffId, ...layer.place, at}
          const how = {limits: left, signal, threads}
          const tarSize = await readTar({...layer, place: where}, reader, how)
          witness?.endLayer(tarSize)
          bytes += tarSize
        }
      } finally {
        await threads?.close()
      }
      const settle = async (tree: TreeRoot): Promise<void> => {
        if (witness) witnessed = await witness.layers(tree, extraction.hasReplaced(), signal)
      }
      const replaced = async (place: ReplacedPlace): Promise<void> => {
        const found = witness?.walk()
        if (found && (await isSettled(found, place, prefix.length))) walk = found
      }
      return {result: {...sink.counts(), bytes}, root: sink.root(), settle, replaced}
    },
  )
  return {...result, refilled, witnessed, walk}
}

/**
 * Gives a walk the state of the directory, which has changed its name since. `false` if anybody
 * else has changed it, too, or could do so now without a trace.
 */
async function isSettled(
  walk: WalkColumns,
  {tree, changed, clock}: ReplacedPlace,
  prefixLength: number,
): Promise<boolean> {
  const renamed = fstatSync(tree.descriptor, {bigint: true}).ctimeNs
  if (!(await isPast(clock, renamed))) return false
  const stat = fstatSync(tree.descriptor, {bigint: true})
  return stat.mtimeNs === changed && settleRoot(walk, stat, prefixLength)
}

/**
 * What an image without the slot unpacks to: an empty directory, or for a slot at `/` one that
 * holds the empty directory `name`.
 */
export async function emptyStart(
  options: FillOptions & {readonly name: string; readonly path: string},
): Promise<{readonly refilled: string | undefined}> {
  const {refilled} = await fillDirectory(options, (extraction) => {
    if (prefixOf(options.path) === '') extraction.add(ownDirectory(fromText(options.name)))
    return Promise.resolve({result: undefined, root: undefined})
  })
  return {refilled}
}

/** Checks what the reader tells of and hands it to the extraction. */
export function layerSink(
  extraction: Extraction,
  rules: EntryRules & {readonly special: number},
  {
    onWarning,
    witness,
  }: Pick<FillOptions, 'onWarning'> & {
    readonly witness: EntryWitness | undefined
  },
) {
  let special = 0
  let others = 0
  let directories = 0
  let whiteouts = 0
  let root: EntryMetadata | undefined
  const handler: TarHandler = {
    ...(witness && {
      header: witness.header,
      extension: witness.extension,
      oddPadding: witness.oddPadding,
    }),
    entry(archived) {
      if (archived.kind === 'directory') directories++
      else others++
      const checked = checkEntry(archived, rules)
      if (checked.place === 'root') root = checked.entry
      witness?.entry(archived, insideOf(checked))
      if (checked.place !== 'inside') return
      if (isWhiteout(checked.entry.path.slice(checked.entry.path.lastIndexOf('/') + 1))) whiteouts++
      if (checked.entry.path === ignoreFileName) {
        onWarning?.(`the layer brings a ${ignoreFileName}: the next update leaves out what it says`)
      }
      if (isSpecial(checked.entry)) checkSpecials(++special, rules.special)
      extraction.add(checked.entry)
    },
    data: (bytes) => extraction.write(bytes),
    hole: (zeros) => extraction.skip(zeros),
    entryEnd() {
      const file = extraction.endEntry()
      if (file) witness?.written(file)
    },
  }
  return {
    handler,
    beginLayer() {
      directories = 0
    },
    counts: () => ({entries: others + directories, whiteouts}),
    root: () => root,
  }
}

/** An entry as the directory has it; the directory itself has an empty path. */
function insideOf(checked: CheckedEntry): Entry | undefined {
  if (checked.place === 'above') return undefined
  return checked.place === 'root' ? {...checked.entry, path: ''} : checked.entry
}

/** How the entries of layers that hold the content of `path` are checked. */
export function rulesOf({
  path,
  devices = false,
  windows = false,
}: Pick<UnpackOptions, 'path' | 'devices' | 'windows'>): EntryRules {
  const prefix = prefixOf(path)
  if (!windows) return {prefix, devices}
  if (prefix === '') return {prefix: windowsFiles, devices, above: [windowsHives, windowsFiles]}
  return {prefix: `${windowsFiles}/${prefix}`, devices, above: [windowsHives]}
}

function prefixOf(path: string): ByteString {
  return fromText(path).replaceAll(/^\/+|\/+$/g, '')
}

function ownDirectory(path: ByteString) {
  const owner = {uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0}
  return {kind: 'directory', path, mode: 0o755, mtime: 0, xattrs: undefined, ...owner} as const
}
