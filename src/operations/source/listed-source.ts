import {defaultSlotName} from '../../oci/annotation.js'
import type {ListedTree} from '../../layer/sources/listed-tree.js'
import {isNamed} from '../../layer/tree/owner.js'
import type {PackRules, SourceTree} from './source-tree.js'

/** The content of a slot that is a list of entries. */
export function listedSource(
  name: string,
  tree: ListedTree,
  rules: PackRules,
  shareKey?: string,
): SourceTree {
  const {owner, chmod} = rules
  const fixed = owner === undefined || isNamed(owner) ? undefined : owner
  return {
    name,
    identity: undefined,
    shareKey,
    rules,
    entries:
      ({path, owner: own = fixed, created: clampMtime}) =>
      () =>
        tree.entries({path, owner: own, chmod, clampMtime}),
    namesInRoot: ({path}) =>
      path === '/' ? tree.rootFolders().filter((folder) => folder !== defaultSlotName) : [],
    folderAt:
      (own = fixed) =>
      (at) => {
        const found = tree.folderAt(at)
        return found && {...found, ...own}
      },
    isEmpty: () => tree.isEmpty,
  }
}
