import {availableParallelism} from 'node:os'
import type {OpenMemory} from '../../layer/memory/memory.js'
import type {RowsAhead} from '../../layer/recording/look-again.js'
import type {WalkKeeper} from '../../layer/recording/recorded-walk.js'
import {prefixOf} from '../../layer/tree/walk.js'
import {walkKey} from '../../layer/tree/walk-tree.js'
import type {Entries, Tree} from '../../layer/tree/walked-entry.js'
import type {Sharding} from '../../image/sharding.js'
import type {LayerRequest} from './layer-request.js'
import type {ContentOf} from './group.js'
import type {OwnerIn} from './entries/image-owner.js'
import type {LayerEntries} from './entries/layer-entries.js'
import {shardingOf} from './sharding.js'
import {createSlotMemory, type SlotMemory} from './slot-memory.js'
import {isNamed} from '../../layer/tree/owner.js'
import type {Source} from '../source/source.js'
import type {Placement, SourceTree} from '../source/source-tree.js'

/** How the source is packed into the layers of an image. */
export interface SourceContentOptions {
  readonly layer: LayerRequest
  readonly layerEntries: LayerEntries
  readonly openMemory: OpenMemory | undefined
  /** The owner that names stand for in an image. */
  readonly ownerIn: OwnerIn
  /** Threads that walk the source; default: those that the machine has. */
  readonly jobs?: number | undefined
  /** The source is open for many images: what it is called in this run stands for its content. */
  readonly isShared?: boolean | undefined
  /** Called for each entry that is left out. */
  readonly onWarning: (message: string) => void
}

/** The content of a slot that is made from a source. */
export function sourceContent(
  source: Source,
  {
    layer,
    layerEntries,
    openMemory,
    ownerIn,
    jobs = availableParallelism(),
    isShared,
    onWarning,
  }: SourceContentOptions,
): ContentOf {
  const memories = new Map<string, Promise<SlotMemory | undefined>>()

  return async ({platform, slot, suitable: image, name}) => {
    const content = source.treeFor(platform)
    const {allowEmpty, owner: rule} = content.rules
    const path = layer.path ?? slot?.path ?? '/'
    const owner = rule && (isNamed(rule) ? await ownerIn(image, slot, rule) : rule)
    const packing = packingOf(content, {path, owner}, layer)
    const memory = await memoryOf(content.identity, name)
    const warnings = counted(onWarning)
    const placement = {path, owner, created: layer.created, onWarning: warnings.warn}
    const walked = content.entries(placement)
    const isRecorded = isWorthRecording(memory, shardingOf(layer.sharding, slot))
    const entries = isRecorded ? await recorded(walked, {path, memory, warnings}) : walked
    const names = content.namesInRoot({path})
    const tree = {key: packing.join(), entries, names, folderAt: content.folderAt(owner)}
    const framed = await layerEntries({image, slot}, tree)
    const isEmpty = () => content.isEmpty({path})
    return {
      ...{...framed, path, on: content.name, allowEmpty, isEmpty, memory},
      packing: content.identity === undefined && !isShared ? undefined : [...packing, framed.key],
    }
  }

  /** A walk that warned is not kept, so that the next one warns again. */
  async function recorded(
    walked: Entries,
    {path, memory, warnings}: RecordingOptions,
  ): Promise<Entries> {
    const {recordedWalk} = await import('../../layer/recording/recorded-walk.js')
    const prefix = prefixOf(path)
    const tree = walked.walk?.tree
    const keeper = memory?.keepsWalks && tree ? await memory.keeperOf(walkKey(tree)) : undefined
    const keep: WalkKeeper['keep'] = (encode) =>
      keeper?.keep(() => (warnings.count() === 0 ? encode() : undefined))
    const {walkParts} = await import('../../layer/recording/parts/walk-parts.js')
    const {lookAhead} = await import('../../layer/recording/parts/look-ahead.js')
    const threads = {
      parts: (tree: Tree) => walkParts(tree, jobs),
      ahead: (rows: RowsAhead) => lookAhead(rows, jobs),
    }
    return recordedWalk(walked, prefix, keeper && {...keeper, keep}, threads)
  }

  /** Several images, and rounds, ask for the same directory. */
  async function memoryOf(path: string | undefined, slot: string): Promise<SlotMemory | undefined> {
    if (path === undefined) return undefined
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

/**
 * Everything besides the source's content that determines what is packed; a later run compares it
 * to know whether it can resume.
 */
function packingOf(
  {name, identity, shareKey, rules}: SourceTree,
  {path, owner}: Pick<Placement, 'path' | 'owner'>,
  {created, compression, level}: LayerRequest,
): readonly string[] {
  const {chmod, exclude, whiteouts} = rules
  const how = {owner, chmod, exclude, whiteouts, created, compression, level}
  return [identity ?? shareKey ?? name, path, JSON.stringify(how)]
}
