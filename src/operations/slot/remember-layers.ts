import {realpathSync} from 'node:fs'
import type {Slot} from '../../image/slot.js'
import type {WitnessedLayer} from '../../layer/unpack/layer-witness.js'
import type {Ports} from '../../ports.js'

/** The layers of a slot that were unpacked into a directory. */
export interface UnpackedSlot {
  readonly directory: string
  readonly slot: Slot
  readonly witnessed: readonly (WitnessedLayer | undefined)[]
}

/** Remembers what was unpacked for the update that packs the directory. Never throws. */
export async function rememberLayers(
  {directory, slot, witnessed}: UnpackedSlot,
  {openMemory}: Pick<Ports, 'openMemory'>,
): Promise<void> {
  const path = realPath(directory)
  if (path === undefined || witnessed.every((layer) => layer === undefined)) return
  const memory = await openMemory?.({directory: path, slot: slot.name})
  if (!memory) return
  for (const [at, layer] of witnessed.entries()) {
    const diffId = slot.layers[at]?.diffId
    if (!layer || diffId === undefined) continue
    const {look, ...facts} = layer
    // the witness has seen the file system's clock go on since then
    memory.remember(look, {...facts, diffId}, look.touched + 1n)
  }
  await memory.save()
}

/** `undefined` for one that is gone already. */
function realPath(directory: string): string | undefined {
  try {
    return realpathSync(directory)
  } catch {
    return undefined
  }
}
