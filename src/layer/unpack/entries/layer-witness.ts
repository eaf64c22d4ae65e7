import {type BigIntStats, lstatSync} from 'node:fs'
import type {Digest} from '../../../oci/digest.js'
import {createTurn} from '../../../stream/take-turns.js'
import type {ByteString} from '../../byte-string.js'
import type {Entry} from '../../entry.js'
import {composeWalk} from '../../recording/columns/compose-walk.js'
import {createLayerRecord, isAsRecorded, type LayerRecord} from '../../recording/layer-record.js'
import {mostRowLayers} from '../../recording/columns/row-layers.js'
import {type LayerRow, rowsIn} from '../../recording/columns/rows-in.js'
import {walkedRows} from '../../recording/columns/walked-rows.js'
import {inWalkOrder} from '../../recording/columns/walk-order.js'
import type {WalkColumns} from '../../recording/columns/walk-columns.js'
import {type CanonicalCheck, createCanonicalCheck} from '../../tar/canonical.js'
import type {FileState} from '../../tree/file-state.js'
import {createLayerLooker, type LayerLooker} from '../../tree/layer-look.js'
import type {LayerLook} from '../../tree/division.js'
import {isReliable} from '../../tree/reliable-file-systems.js'
import {clockOf, isPast} from '../../later-clock.js'
import type {TreeRoot} from '../folders/tree-root.js'

/** A layer as it is in the directory. */
export interface WitnessedLayer {
  readonly look: LayerLook
  readonly tarSize: number
  readonly entries: number
  /** Seconds since the epoch, of the newest entry; 0 for none. */
  readonly newestMtime: number
}

/** What is told of each entry of a layer while it is unpacked. */
export interface EntryWitness extends Pick<CanonicalCheck, 'header' | 'extension' | 'oddPadding'> {
  /** `inside` is the entry as the directory has it; `undefined` for one outside of it. */
  entry(archived: Entry, inside: Entry | undefined): void
  /** The file that was added last is written, and this is its state. */
  written(file: WrittenFile): void
}

/** `path` is that of the tree, which is on the same file system. */
export interface WrittenFile {
  readonly path: string | Buffer
  readonly stat: BigIntStats
}

/** Notes what each unpacked layer looks like on disk, for a later run that packs the directory. */
export interface LayerWitness extends EntryWitness {
  /** Call it after the last entry of a layer, with the size of its tar. */
  endLayer(tarSize: number): void
  /**
   * After everything is written, and before others can write to it: the layers, lowest first.
   * `undefined` for one that packing would write otherwise, or that files do not show changes of.
   * None if an entry took the place of another one (`hasReplaced`).
   */
  layers(
    root: TreeRoot,
    hasReplaced: boolean,
    signal?: AbortSignal,
  ): Promise<readonly (WitnessedLayer | undefined)[]>
  /**
   * What a walk of the directory would find, once there are `layers`, without the state of the
   * directory itself. `undefined` if that is not certain.
   */
  walk(): WalkColumns | undefined
}

export interface WitnessOptions {
  /** Where in the image the directory belongs, with a slash at its end; empty for the root. */
  readonly prefix: ByteString
  /** Lowest first. */
  readonly diffIds: readonly Digest[]
}

/** The most bytes of what is noted of entries; beyond it, nothing is. */
const mostBytes = 64 * 1024 * 1024

interface SeenLayer {
  readonly looker: LayerLooker
  readonly check: CanonicalCheck
  readonly record: LayerRecord
  /** A link gives the file that it names another state, so files are looked at in the end. */
  hasLinks: boolean
  entries: number
  newestMtime: number | undefined
  tarSize: number
  /** Attributes might not have been restored, and a look does not cover them. */
  hasAttributes: boolean
}

/** A new one, for all layers that are unpacked into one directory. */
export function createLayerWitness(options: WitnessOptions): LayerWitness {
  const done: SeenLayer[] = []
  let current = beginLayer()
  let bytes = 0
  let isTooMuch = false
  let walk: WalkColumns | undefined

  return {
    header: (header, block, at) => current.check.header(header, block, at),
    extension: (body) => current.check.extension(body),
    oddPadding: () => current.check.oddPadding(),
    entry(archived, inside) {
      const entry = current.check.entry(archived)
      current.looker.add(entry)
      current.entries++
      current.newestMtime = Math.max(current.newestMtime ?? -Infinity, entry.mtime)
      current.hasLinks ||= entry.kind === 'hardlink'
      if (!inside || isTooMuch) return
      if (entry.kind === 'file')
        current.hasAttributes ||= entry.xattrs !== undefined && entry.xattrs.size > 0
      current.record.add(inImage(inside, options.prefix))
      isTooMuch = bytes + current.record.bytes() > mostBytes
    },
    written(file) {
      current.looker.addFile(file)
      if (!isTooMuch) current.record.written(file.stat)
    },
    endLayer(tarSize) {
      done.push({...current, tarSize})
      bytes += current.record.bytes()
      current = beginLayer()
    },
    async layers(root, hasReplaced, signal) {
      // nothing would be remembered, so no file is looked at
      if (hasReplaced || isTooMuch || !isReliable(root.at(''))) return done.map(() => undefined)
      const found: (WitnessedLayer | undefined)[] = []
      for (const layer of done)
        found.push(isOurs(layer) ? await witness(layer, root, options, signal) : undefined)
      walk = walkOf(done, root, options)
      const touched = found.map((layer) => layer?.look.touched ?? 0n)
      const newest = touched.reduce((one, other) => (one > other ? one : other), 0n)
      if (await isPast(() => clockOf(root), newest)) return found
      walk = undefined
      return done.map(() => undefined)
    },
    walk: () => walk,
  }
}

function beginLayer(): SeenLayer {
  return {
    looker: createLayerLooker(),
    check: createCanonicalCheck(),
    record: createLayerRecord(),
    hasLinks: false,
    entries: 0,
    newestMtime: undefined,
    tarSize: 0,
    hasAttributes: false,
  }
}

/** An entry of the directory with the paths that it has in the image, in their one form. */
export function inImage(entry: Entry, prefix: ByteString): Entry {
  if (prefix === '') return entry
  const path = entry.path === '' ? prefix.slice(0, -1) : prefix + entry.path
  return entry.kind === 'hardlink'
    ? {...entry, path, target: prefix + entry.target}
    : {...entry, path}
}

/** Whether packing would write the same tar of the same files. */
function isOurs({check, tarSize, hasAttributes}: SeenLayer): boolean {
  return check.isCanonical(tarSize) && !hasAttributes
}

async function witness(
  layer: SeenLayer,
  root: TreeRoot,
  {prefix}: WitnessOptions,
  signal: AbortSignal | undefined,
): Promise<WitnessedLayer> {
  if (layer.hasLinks) await lookAtFiles(layer, {root, prefix}, signal)
  const {looker, entries, newestMtime = 0, tarSize} = layer
  return {look: looker.look(), tarSize, entries, newestMtime}
}

async function lookAtFiles(
  {looker, record}: SeenLayer,
  {root, prefix}: {readonly root: TreeRoot; readonly prefix: ByteString},
  signal: AbortSignal | undefined,
): Promise<void> {
  const turn = createTurn(signal)
  looker.forgetFiles()
  for (const {kind, path: inImage} of rowsIn(record.columns())) {
    if (kind !== 'file') continue
    const path = root.at(inImage.slice(prefix.length))
    const stat = lstatSync(path, {bigint: true, throwIfNoEntry: false})
    if (stat?.isFile() !== true) continue
    looker.addFile({path, stat})
    if (turn.isOver()) await turn.giveTurn()
  }
}

/** In a layer without links, files have the state that they were written with. */
function walkOf(
  layers: readonly SeenLayer[],
  root: TreeRoot,
  {prefix, diffIds}: WitnessOptions,
): WalkColumns | undefined {
  if (layers.length > mostRowLayers || layers.some(({record}) => !record.isComplete()))
    return undefined
  const list = layers.map(({tarSize}, place) => {
    const diffId = diffIds[place]
    return diffId && {diffId, tarSize}
  })
  const prefixLength = prefix.length
  const columns = layers.map(({record}) => record.columns())
  const [only, ...others] = columns
  if (only && others.length === 0) {
    const walk = walkedRows(only, {layer: list[0], prefixLength, stateOf: stateNow})
    if (walk) return walk
  }
  const added = inWalkOrder(columns)
  if (!added) return undefined
  return composeWalk({
    added,
    layers: list,
    root: nobody,
    prefixLength,
    stateOf: (row) =>
      row.kind === 'file' && layers[row.layer]?.hasLinks !== true ? 'recorded' : stateNow(row),
  })

  function stateNow(row: LayerRow): FileState | undefined {
    const path = row.path.slice(prefixLength)
    if (path === '') return nobody
    const stat = lstatSync(root.at(path), {bigint: true, throwIfNoEntry: false})
    return stat && isAsRecorded(stat, row) ? stat : undefined
  }
}

/** Stands for the state of the directory, which is not yet what it will be. */
const nobody: FileState = {ctimeNs: 0n, mtimeNs: 0n, size: 0n, ino: 0n, dev: 0n, nlink: 0n}
