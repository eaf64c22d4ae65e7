import type {LayerMemory, OpenMemory} from '../../layer/memory/memory.js'

/** The memory of each directory and slot, opened once in a run and written when it has changed. */
export function sharedMemory(open: OpenMemory): OpenMemory {
  const known = new Map<string, Promise<LayerMemory | undefined>>()
  return (place) => {
    const key = JSON.stringify([place.directory, place.slot])
    const memory = known.get(key) ?? open(place).then((opened) => opened && writtenOnce(opened))
    known.set(key, memory)
    return memory
  }
}

function writtenOnce(memory: LayerMemory): LayerMemory {
  let isChanged = false
  return {
    opened: memory.opened,
    isEmpty: memory.isEmpty,
    keepsWalks: memory.keepsWalks,
    recallWalk: (key) => memory.recallWalk(key),
    find: (diffId) => memory.find(diffId),
    rememberWalk(key, encode) {
      isChanged = true
      memory.rememberWalk(key, encode)
    },
    recall: (look) => memory.recall(look),
    remember(look, layer, before) {
      isChanged = true
      memory.remember(look, layer, before)
    },
    async save() {
      if (!isChanged) return
      isChanged = false
      await memory.save()
    },
  }
}
