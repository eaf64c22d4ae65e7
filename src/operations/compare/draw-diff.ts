import {readable} from '../../layer/byte-string.js'
import type {Image} from '../../image/image.js'
import {findSlots} from '../../image/slot.js'
import type {DrawnLayer} from '../../picture/layers.js'
import {createSizeTree, type SizeTree} from '../../picture/size-tree.js'
import type {FileChange} from './file-change.js'

/** Hears of a comparison what its result does not have. */
export interface DiffObserver {
  /** Before their trees are compared. */
  onImages(first: Image, second: Image): void
  /** Once for each comparison of trees; what it returns hears every change. */
  onTrees(): (change: FileChange) => void
}

/** What is drawn of two trees. */
export interface PairDrawing {
  /** Base first; `undefined` if one side is a directory. */
  readonly layers: Readonly<Record<'first' | 'second', readonly DrawnLayer[]>> | undefined
  /** What differs, with the sizes of before and after. */
  readonly before: SizeTree
  readonly after: SizeTree
}

/** Collects what is drawn, in the order of the comparisons. */
export function createDiffDrawing(): {
  readonly observer: DiffObserver
  readonly pairs: readonly PairDrawing[]
} {
  const pairs: PairDrawing[] = []
  let layers: PairDrawing['layers']
  return {
    pairs,
    observer: {
      onImages(first, second) {
        layers = {
          first: drawnLayers(first, second, 'removed'),
          second: drawnLayers(second, first, 'added'),
        }
      },
      onTrees() {
        const pair = {layers, before: createSizeTree(), after: createSizeTree()}
        layers = undefined
        pairs.push(pair)
        return (change) => addTo(pair, change)
      },
    },
  }
}

function drawnLayers(image: Image, other: Image, mark: 'added' | 'removed'): DrawnLayer[] {
  const there = new Set(other.config.value.rootfs.diff_ids)
  const {diff_ids: diffIds} = image.config.value.rootfs
  const slots = findSlots(image)
  return image.manifest.value.layers.map(({size}, at) => ({
    size,
    slots: slots.filter(({layers}) => layers.some(({layer}) => layer === at)).map(({name}) => name),
    mark: diffIds[at] !== undefined && there.has(diffIds[at]) ? 'kept' : mark,
  }))
}

/**
 * Only files that come, go, or have another content: a change of metadata, such as of all times,
 * would hide the others. Further names of a file bring no bytes.
 */
function addTo({before, after}: PairDrawing, {path: bytes, ...change}: FileChange): void {
  const {change: mark, aspects} = change
  if (mark === 'changed' && !aspects.includes('content') && !aspects.includes('type')) return
  const path = readable(bytes)
  const [old, now] = [change.before, change.after]
  const isLater = mark === 'changed' && change.bytes === 0 && now?.type === 'file' && now.size > 0
  const add = (tree: SizeTree, size: number): void =>
    tree.add({path, bytes: isLater ? 0 : size, mark})
  if (old?.type === 'file') add(before, mark === 'removed' ? change.bytes : old.size)
  if (now?.type === 'file') add(after, mark === 'added' ? change.bytes : now.size)
}
