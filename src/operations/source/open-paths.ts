import {realpathSync} from 'node:fs'
import {type CopyRules, copyInto, type PlacedSource} from '../../layer/sources/copy-in.js'
import {createEntryList} from '../../layer/sources/entry-list.js'
import {listedTree} from '../../layer/sources/listed-tree.js'
import {listedSource} from './listed-source.js'
import {type Output, refuseOutputsInside} from './outputs.js'
import type {PackRules, SourceTree} from './source-tree.js'

/**
 * Files and directories, each with its place in the image, copied one after the other as `cp -a`
 * does. Throws what `copyInto` and `listedTree` throw, and `UsageError` when an output of the run
 * is inside one of the directories.
 */
export function openPaths(
  sources: readonly PlacedSource[],
  rules: PackRules,
  outputs: readonly Output[],
  onWarning: CopyRules['onWarning'],
): SourceTree {
  const {exclude, whiteouts} = rules
  const list = createEntryList()
  for (const source of sources) {
    copyInto(list, source, {exclude, whiteouts, onWarning})
    refuseOutputsInside(realpathSync(source.from), outputs)
  }
  const name = sources.map(({from}) => from).join(', ')
  return listedSource(name, listedTree(list, {whiteouts, devices: true}), rules)
}
