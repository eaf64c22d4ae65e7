import {readable} from '../../layer/byte-string.js'
import {createSizeTree, type SizeTree} from '../../picture/size-tree.js'
import type {Digest} from '../../oci/digest.js'
import type {Ports} from '../../ports.js'
import {isFirstName} from '../compare/compare-trees.js'
import {type TreeRequest, withTree} from './open-tree.js'

/**
 * What each slot of an image that was inspected holds, by the slot's name. Reads the layers of the
 * slots. Throws what `withTree` throws.
 */
export async function allSlotSizes(
  inspected: {readonly digest: Digest; readonly slots: readonly {readonly name: string}[]},
  request: Omit<TreeRequest, 'part'>,
  ports: Ports,
): Promise<ReadonlyMap<string, SizeTree>> {
  const trees = new Map<string, SizeTree>()
  // the same image, whatever its tag names by now
  const reference = {...request.reference, digest: inspected.digest}
  for (const {name} of inspected.slots) {
    const part = {kind: 'slot', name} as const
    trees.set(name, await slotSizes({...request, reference, part}, ports))
  }
  return trees
}

/** A file with several names counts once. */
function slotSizes(request: TreeRequest, ports: Ports): Promise<SizeTree> {
  return withTree(request, ports, (tree) => {
    const sizes = createSizeTree()
    for (const record of tree.entries()) {
      ports.signal.throwIfAborted()
      if (record.kind !== 'file' || !isFirstName(record)) continue
      sizes.add({path: readable(record.path), bytes: record.size})
    }
    return Promise.resolve(sizes)
  })
}
