import {fromText} from '../../layer/byte-string.js'
import type {OpenMemory} from '../../layer/memory/memory.js'
import {recordedWalk, type WalkKeeper} from '../../layer/recording/recorded-walk.js'
import {walkKey} from '../../layer/tree/walk-tree.js'
import type {Entries} from '../../layer/tree/walked-entry.js'
import type {Sharding} from '../../image/sharding.js'
import type {LayerRequest} from './layer-request.js'
import type {Directory} from './directory.js'
import type {ContentOf} from './group.js'
import type {LayerEntries} from './layer-entries.js'
import {createSlotMemory, type SlotMemory} from './slot-memory.js'
import {shardingOf} from './sharding.js'
import type {Source} from './source.js'

/** How the directory is packed into the layers of an image. */
export interface DirectoryContentOptions {
  readonly layer: LayerRequest
  readonly layerEntries: LayerEntries
  readonly openMemory: OpenMemory | undefined
  /** Called for each entry that is left out. */
  readonly onWarning: (message: string) => void
}

/** The content of a slot that is made from a directory. */
export function directoryContent(
  source: Source,
  {layer, layerEntries, openMemory, onWarning}: DirectoryContentOptions,
): ContentOf {
  const memories = new Map<string, Promise<SlotMemory | undefined>>()

  return async ({platform, slot, suitable: image, name}) => {
    const directory = source.directoryFor(platform)
    const path = layer.path ?? slot?.path ?? '/'
    const packing = packingOf(directory, path, layer)
    const memory = await memoryOf(directory.path, name)
    const warnings = counted(onWarning)
    const walked = directory.entries({path, created: layer.created, onWarning: warnings.warn})
    const isRecorded = isWorthRecording(memory, shardingOf(layer.sharding, slot))
    const entries = isRecorded ? await recorded(walked, {path, memory, warnings}) : walked
    const {folderAt} = directory
    const names = directory.namesInRoot({path})
    const tree = {key: packing.join(), entries, names, folderAt}
    const framed = await layerEntries({image, slot}, tree)
    const {allowEmpty} = directory.rules
    const on = directory.name
    const quiet = directory.entries({path, onWarning: () => undefined})
    const isEmpty = () => !hasMore(quiet('names'), path === '/' ? 0 : 1)
    return {...framed, path, on, allowEmpty, isEmpty, memory, packing: [...packing, framed.key]}
  }

  /** A walk that warned is not kept, so that the next one warns again. */
  async function recorded(
    walked: Entries,
    {path, memory, warnings}: RecordingOptions,
  ): Promise<Entries> {
    const prefix = path === '/' ? '' : `${fromText(path.slice(1))}/`
    const tree = walked.walk?.tree
    const keeper = memory?.keepsWalks && tree ? await memory.keeperOf(walkKey(tree)) : undefined
    const keep: WalkKeeper['keep'] = (encode) =>
      keeper?.keep(() => (warnings.count() === 0 ? encode() : undefined))
    return recordedWalk(walked, prefix, keeper && {...keeper, keep})
  }

  /** Several images, and rounds, ask for the same directory. */
  function memoryOf(path: string, slot: string): Promise<SlotMemory | undefined> {
    const key = JSON.stringify([path, slot])
    const found = memories.get(key) ?? open(path, slot)
    memories.set(key, found)
    return found
  }

  async function open(path: string, slot: string): Promise<SlotMemory | undefined> {
    const memory = await openMemory?.({directory: path, slot})
    return memory && createSlotMemory(memory)
  }
}

interface RecordingOptions {
  readonly path: string
  readonly memory: SlotMemory | undefined
  readonly warnings: CountedWarnings
}

interface CountedWarnings {
  readonly warn: (message: string) => void
  readonly count: () => number
}

function counted(onWarning: (message: string) => void): CountedWarnings {
  let count = 0
  return {
    count: () => count,
    warn(message) {
      count++
      onWarning(message)
    },
  }
}

/** Recording costs a little, and pays if the walk is used again, in this run or in the next. */
function isWorthRecording(memory: SlotMemory | undefined, sharding: Sharding): boolean {
  return sharding !== 1 || memory?.isEmpty === false
}

/** Whether there are more than so many; of the others none is looked at. */
function hasMore(entries: Iterable<unknown>, count: number): boolean {
  const iterator = entries[Symbol.iterator]()
  try {
    for (let seen = 0; seen <= count; seen++) if (iterator.next().done === true) return false
    return true
  } finally {
    iterator.return?.()
  }
}

/**
 * Everything besides the directory's content that determines what is packed; a later run compares
 * it to know whether it can resume.
 */
function packingOf(
  {path: directory, rules}: Directory,
  path: string,
  {created, compression, level}: LayerRequest,
): readonly string[] {
  const {owner, chmod, exclude, whiteouts} = rules
  const how = {owner, chmod, exclude, whiteouts, created, compression, level}
  return [directory, path, JSON.stringify(how)]
}
