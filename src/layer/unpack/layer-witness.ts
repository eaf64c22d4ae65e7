import {fchmodSync, fstatSync, lstatSync} from 'node:fs'
import {setTimeout as wait} from 'node:timers/promises'
import {createTurn} from '../../stream/take-turns.js'
import type {ByteString} from '../byte-string.js'
import type {Entry} from '../entry.js'
import {type CanonicalCheck, createCanonicalCheck} from '../tar/canonical.js'
import {createLayerLooker, type LayerLooker} from '../tree/layer-look.js'
import type {LayerLook, WalkedFile} from '../tree/walked-entry.js'
import {isReliable} from '../tree/reliable-file-systems.js'
import type {TreeRoot} from './tree-root.js'

/** A layer as it is in the directory. */
export interface WitnessedLayer {
  readonly look: LayerLook
  readonly tarSize: number
  readonly entries: number
  /** Seconds since the epoch, of the newest entry; 0 for none. */
  readonly newestMtime: number
}

/** Notes what each unpacked layer looks like on disk, for a later run that packs the directory. */
export interface LayerWitness extends Pick<CanonicalCheck, 'header' | 'extension' | 'oddPadding'> {
  /** `inside` is the path of the entry in the directory. */
  entry(archived: Entry, inside: ByteString | undefined): void
  /** The file that was added last is written, and this is its state. */
  written(file: Pick<WalkedFile, 'path' | 'stat'>): void
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
}

/** The limit for remembered paths in bytes; beyond it, nothing is noted. */
const mostBytes = 32 * 1024 * 1024

/** How often the file system's clock is read, and the milliseconds in between. */
const patience = {looks: 50, apart: 2}

interface SeenLayer {
  readonly looker: LayerLooker
  readonly check: CanonicalCheck
  /** Of files, in their order. */
  readonly paths: ByteString[]
  /** A link gives the file that it names another state, so files are looked at in the end. */
  hasLinks: boolean
  entries: number
  newestMtime: number | undefined
  tarSize: number
  /** Attributes might not have been restored, and a look does not cover them. */
  hasAttributes: boolean
}

/** A new one, for all layers that are unpacked into one directory. */
export function createLayerWitness(): LayerWitness {
  const done: SeenLayer[] = []
  let current = beginLayer()
  let bytes = 0

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
      if (entry.kind !== 'file' || inside === undefined) return
      current.hasAttributes ||= entry.xattrs !== undefined && entry.xattrs.size > 0
      bytes += inside.length
      if (bytes <= mostBytes) current.paths.push(inside)
    },
    written: (file) => current.looker.addFile(file),
    endLayer(tarSize) {
      done.push({...current, tarSize})
      current = beginLayer()
    },
    async layers(root, hasReplaced, signal) {
      // nothing would be remembered, so no file is looked at
      if (hasReplaced || bytes > mostBytes || !done.some(isOurs) || !isReliable(root.at('')))
        return done.map(() => undefined)
      const found: (WitnessedLayer | undefined)[] = []
      for (const layer of done) found.push(await witness(layer, root, signal))
      const touched = found.map((layer) => layer?.look.touched ?? 0n)
      const newest = touched.reduce((one, other) => (one > other ? one : other), 0n)
      return (await isPast(root, newest)) ? found : done.map(() => undefined)
    },
  }
}

function beginLayer(): SeenLayer {
  return {
    looker: createLayerLooker(),
    check: createCanonicalCheck(),
    paths: [],
    hasLinks: false,
    entries: 0,
    newestMtime: undefined,
    tarSize: 0,
    hasAttributes: false,
  }
}

/** Whether packing would write the same tar of the same files. */
function isOurs({check, tarSize, hasAttributes}: SeenLayer): boolean {
  return check.isCanonical(tarSize) && !hasAttributes
}

async function witness(
  layer: SeenLayer,
  root: TreeRoot,
  signal: AbortSignal | undefined,
): Promise<WitnessedLayer | undefined> {
  if (!isOurs(layer)) return undefined
  if (layer.hasLinks) await lookAtFiles(layer, root, signal)
  const {looker, entries, newestMtime = 0, tarSize} = layer
  return {look: looker.look(), tarSize, entries, newestMtime}
}

async function lookAtFiles(
  {looker, paths}: SeenLayer,
  root: TreeRoot,
  signal: AbortSignal | undefined,
): Promise<void> {
  const turn = createTurn()
  looker.forgetFiles()
  for (const inside of paths) {
    const path = root.at(inside)
    const stat = lstatSync(path, {bigint: true, throwIfNoEntry: false})
    if (stat?.isFile() !== true) continue
    looker.addFile({path, stat})
    if (turn.isOver()) await turn.giveTurn()
    signal?.throwIfAborted()
  }
}

/**
 * Waits until the clock of the tree's file system has passed `newest`, so that every later change
 * has a later time; `false` if that takes too long.
 */
export async function isPast({descriptor}: TreeRoot, newest: bigint): Promise<boolean> {
  for (let looks = 0; looks < patience.looks; looks++) {
    // sets the time of the directory's metadata, and nothing else
    fchmodSync(descriptor, fstatSync(descriptor).mode & 0o7777)
    if (fstatSync(descriptor, {bigint: true}).ctimeNs > newest) return true
    await wait(patience.apart)
  }
  return false
}
