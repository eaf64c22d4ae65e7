import {lstatSync} from 'node:fs'
import {join} from 'node:path'
import type {Slot} from '../../image/slot.js'
import type {LayerMemory} from '../../layer/memory/memory.js'
import type {WitnessedLayer} from '../../layer/unpack/entries/layer-witness.js'
import {keptWalk} from '../../layer/recording/kept-walk.js'
import {packWalk} from '../../layer/recording/packed-walk.js'
import {statesPerRow, type WalkColumns} from '../../layer/recording/columns/walk-columns.js'
import {ignoreFileName} from '../../layer/tree/ignore-rules.js'
import {walkKey} from '../../layer/tree/walk-tree.js'
import {prefixOf} from '../../layer/tree/walk.js'
import type {Ports} from '../../ports.js'
import {realDirectory} from './real-directory.js'

/** The layers of a slot that were unpacked into a directory. */
export interface UnpackedSlot {
  readonly directory: string
  readonly slot: Slot
  readonly witnessed: readonly (WitnessedLayer | undefined)[]
  /** What a walk of the directory would find, if that is certain. */
  readonly walk: WalkColumns | undefined
}

/** Remembers what was unpacked for the update that packs the directory. Never throws. */
export async function rememberLayers(
  {directory, slot, witnessed, walk}: UnpackedSlot,
  {openMemory}: Pick<Ports, 'openMemory'>,
): Promise<void> {
  const path = realDirectory(directory)
  if (path === undefined) return
  const memory = await openMemory?.({directory: path, slot: slot.name})
  if (!memory) return
  for (const [at, layer] of witnessed.entries()) {
    const diffId = slot.layers[at]?.diffId
    if (!layer || diffId === undefined) continue
    const {look, ...facts} = layer
    // the witness has seen the file system's clock go on since then
    memory.remember(look, {...facts, diffId}, look.touched + 1n)
  }
  const ignoreFile = lstatSync(join(path, ignoreFileName), {throwIfNoEntry: false})
  // what is left out of a layer by such a file is in this walk
  if (walk && !ignoreFile) keepWalk(walk, {directory: path, path: slot.path}, memory)
  await memory.save()
}

/** With the key that `update` asks for when it packs the directory as it is. */
function keepWalk(
  walk: WalkColumns,
  place: {readonly directory: string; readonly path: string},
  memory: LayerMemory,
): void {
  const {directory, path} = place
  const {filled, length} = walk.states
  let newest = 0n
  for (let at = 0; at < length; at += statesPerRow)
    if ((filled[at] ?? 0n) > newest) newest = filled[at] ?? 0n
  const prefixLength = prefixOf(path).length
  // nothing that has been touched since then has an older time
  const unknown = {look: undefined, division: undefined}
  const options = {directory, prefixLength, before: newest + 1n, ...unknown}
  const key = walkKey({directory, path, exclude: []})
  memory.rememberWalk(key, () => keptWalk(packWalk(walk), options))
}
