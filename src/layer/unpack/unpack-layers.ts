import {type ByteString, fromText} from '../byte-string.js'
import {checkEntry, type EntryRules} from './check-entries.js'
import {readTar, type StoredLayer} from '../decompress/read-tar.js'
import type {Entry, EntryMetadata} from '../entry.js'
import {ignoreFileName} from '../tree/ignore-rules.js'
import type {Extraction} from './extract.js'
import {fillDirectory, type FillOptions} from './fill-directory.js'
import {createTarReader} from '../tar/reader.js'
import type {TarHandler} from '../tar/tar-handler.js'
import {trackEntries} from '../tar/track-entries.js'
import type {LayerPlace} from '../in-layer.js'
import {
  createLayerWitness,
  isPast,
  type LayerWitness,
  type WitnessedLayer,
} from './layer-witness.js'
import {createLinkedFiles} from './linked-files.js'
import {isSpecial} from './special-file.js'
import {checkSpecials, mostSparseBytes, type UnpackLimits, unpackLimits} from '../limits.js'
import {isWhiteout} from '../whiteout.js'
import {windowsFiles, windowsHives} from '../tree/windows.js'
import {type KeptLayers, lookAtTaken, type TakenLayer, takeOver} from './take-over.js'
import type {TreeRoot} from './tree-root.js'

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
  /** Layers of the directory that need not be fetched again. */
  readonly kept?: KeptLayers | undefined
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
  /** How many layers were taken over from the directory. */
  readonly taken: number
  /** With `witnesses`: see `LayerWitness`. */
  readonly witnessed: readonly (WitnessedLayer | undefined)[]
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
  const {layers, signal} = options
  const limits = {...unpackLimits, ...options.limits}
  const rules = rulesOf(options)
  const unmerge = options.unmerge ?? ((handler: TarHandler) => handler)
  const witness = options.witnesses === true ? createLayerWitness() : undefined
  const linked = createLinkedFiles()
  const taken = new Map<number, TakenLayer>()
  const read: number[] = []
  const witnessed: (WitnessedLayer | undefined)[] = layers.map(() => undefined)
  const {result, refilled} = await fillDirectory(
    {...options, states: witness !== undefined},
    async (extraction, place) => {
      const {onWarning} = options
      const sink = layerSink(extraction, {...rules, special: limits.special}, {onWarning, witness})
      let bytes = 0
      for (const [position, layer] of layers.entries()) {
        sink.beginLayer()
        const kept = place.isReplaced ? options.kept?.take(layer.diffId) : undefined
        const took =
          kept &&
          takeOver(kept, {extraction, rules, linked, onEntry: (entry, at) => sink.count(entry, at)})
        if (took) {
          taken.set(position, took)
          bytes += took.layer.tarSize
          signal?.throwIfAborted()
          continue
        }
        read.push(position)
        const left = {...limits, totalBytes: limits.totalBytes - bytes}
        const sparseBytes = Math.min(limits.totalBytes, mostSparseBytes)
        const {handler, at} = trackEntries(unmerge(sink.handler))
        const reader = createTarReader(handler, {...limits, sparseBytes})
        const where = {number: position + 1, digest: layer.diffId, ...layer.place, at}
        const tarSize = await readTar({...layer, place: where}, reader, {limits: left, signal})
        witness?.endLayer(tarSize)
        bytes += tarSize
      }
      const settle = async (tree: TreeRoot): Promise<void> => {
        const found = await witness?.layers(tree, extraction.hasReplaced(), signal)
        for (const [at, position] of read.entries()) witnessed[position] = found?.[at]
        if (taken.size === 0) return
        linked.check(tree)
        // from here on, whatever others do to a file shows in its change time
        await isPast(tree, linked.newest())
        linked.check(tree)
      }
      const replaced = async (tree: TreeRoot): Promise<void> => {
        if (!witness || extraction.hasReplaced()) return
        for (const [position, each] of taken) witnessed[position] = lookAtTaken(each, linked, tree)
        if (await isPast(tree, linked.newest())) return
        for (const position of taken.keys()) witnessed[position] = undefined
      }
      const result = {...sink.counts(), bytes, taken: taken.size}
      const watch = taken.size > 0 ? linked.watch : undefined
      return {result, root: sink.root(), settle, watch, replaced}
    },
  )
  return {...result, refilled, witnessed}
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
function layerSink(
  extraction: Extraction,
  rules: EntryRules & {readonly special: number},
  {
    onWarning,
    witness,
  }: Pick<FillOptions, 'onWarning'> & {
    readonly witness: LayerWitness | undefined
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
      witness?.entry(archived, checked.place === 'inside' ? checked.entry.path : undefined)
      if (checked.place === 'root') root = checked.entry
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
    /** An entry that is in the tree already. */
    count(entry: Entry, place: 'inside' | 'root'): void {
      if (entry.kind === 'directory') directories++
      else others++
      if (place === 'root') root = entry
      else if (isWhiteout(entry.path.slice(entry.path.lastIndexOf('/') + 1))) whiteouts++
    },
    counts: () => ({entries: others + directories, whiteouts}),
    root: () => root,
  }
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
