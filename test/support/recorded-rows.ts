import {lstatSync} from 'node:fs'
import {createRecord} from '../../src/layer/recording/record.js'
import {stateOf} from '../../src/layer/tree/file-state.js'
import {walkTree} from '../../src/layer/tree/walk-tree.js'

/** The rows of a walk of a directory, and what it walked. */
export function recordedRows(directory: string) {
  const tree = {directory, path: '/', exclude: []}
  const root = stateOf(lstatSync(directory, {bigint: true}))
  const record = createRecord(0)
  for (const walked of walkTree({tree, onWarning: () => undefined}, 'states')) record.add(walked)
  const rows = record.rows()
  if (!rows) throw new Error('the walk was not recorded')
  return {tree, root, rows}
}
