import {describe, expect, it} from 'vitest'
import {
  composeWalk,
  type ComposeOptions,
} from '../../../../src/layer/recording/columns/compose-walk.js'
import {type LayerRow, rowsIn} from '../../../../src/layer/recording/columns/rows-in.js'
import {
  fact,
  factsPerRow,
  stateAt,
  unknownState,
} from '../../../../src/layer/recording/columns/walk-columns.js'
import {inWalkOrder} from '../../../../src/layer/recording/columns/walk-order.js'
import {digestOf} from '../../../../src/oci/digest.js'
import {columnsOf} from '../../../support/row-columns.js'

const now = {...unknownState, ctimeNs: 7n, nlink: 1n}
const ofFiles = ({kind}: LayerRow) => (kind === 'file' ? 'recorded' : now)

/** Of layers as they are written; states are those of the rows for files, `now` for all else. */
function walkOf(layers: readonly string[], options: Partial<ComposeOptions> = {}) {
  const added = inWalkOrder(layers.map((words) => columnsOf(words)))
  const list = layers.map((_, tarSize) => ({diffId: digestOf(Buffer.of()), tarSize}))
  const how = {layers: list, root: unknownState, prefixLength: 0, stateOf: ofFiles, ...options}
  return added && composeWalk({added, ...how})
}

/** Each path with the place of its layer. */
function rowsOf(walk: ReturnType<typeof walkOf>): readonly string[] | undefined {
  return walk && [...rowsIn(walk)].map(({path, row}) => `${path} ${walk.layers?.ofRow[row]}`)
}

describe('the walk of a directory that was divided into layers', () => {
  it('has files of all layers and the directories of the last one, in the order of a walk', () => {
    const walk = walkOf(['a/ a/b a.b', 'a/ a/c/ c d/ d/e', 'a/ a/c/ d/ d/l@ d/z/'])
    const rows = ['a 2', 'a/b 0', 'a/c 2', 'a.b 0', 'c 1', 'd 2', 'd/e 1', 'd/l 2', 'd/z 2']
    expect(rowsOf(walk)).toEqual(rows)
    const times = rows.map((_, row) => stateAt(walk!.states, row + 1).ctimeNs)
    expect(times).toEqual([7n, 0n, 7n, 0n, 0n, 7n, 0n, 7n, 7n])
  })

  it('has hard links, which come after their files, where a walk finds them', () => {
    const two = {...now, nlink: 2n, ino: 9n}
    const isShared = ({path}: LayerRow) => path === 'b' || path === 'd'
    const stateOf = (row: LayerRow) => (isShared(row) ? two : now)
    const walk = walkOf(['a c', 'd b=', 'e'], {stateOf})
    expect(rowsOf(walk)).toEqual(['a 0', 'b 1', 'c 0', 'd 1', 'e 2'])
    // what a hard link links to is the first of its group
    const groups = [...rowsIn(walk!)].map(({kind, target, row}) => {
      const at = row * factsPerRow
      return [kind, target, walk!.facts.at(at + fact.names), walk!.facts.at(at + fact.group)]
    })
    expect(groups).toEqual([
      ['file', '', 0, 0],
      ['file', '', 2, 0],
      ['file', '', 0, 0],
      ['hardlink', '', 2, 0],
      ['file', '', 0, 0],
    ])
  })

  it.each([
    ['a directory is not in the last layer', ['a/ a/b', 'c']],
    ['a directory has no entry', ['a/b', 'c']],
    ['a directory within another one has no entry', ['a/ a/b/c', 'a/ d']],
    ['something is in a file', ['a', 'a/b']],
    ['a name comes twice', ['a b', 'b']],
    ['a file has the name of a directory', ['a', 'a/']],
    ['a path is too long', ['a', 'b'.repeat(4000)]],
  ])('is not known where %s', (_, layers) => {
    expect(walkOf(layers)).toBeUndefined()
  })

  it('is not known where something is not as its row says, or a link has another name', () => {
    expect(walkOf(['a', 'b'], {stateOf: () => undefined})).toBeUndefined()
    expect(walkOf(['a', 'b@'], {stateOf: () => ({...now, nlink: 2n})})).toBeUndefined()
  })

  it('begins with the directory itself where its paths have a part that is not in it', () => {
    const prefixLength = 'opt/m/'.length
    expect(rowsOf(walkOf(['opt/m/ opt/m/a', 'opt/m/ opt/m/b'], {prefixLength}))).toEqual([
      'opt/m 1',
      'opt/m/a 0',
      'opt/m/b 1',
    ])
    expect(walkOf(['opt/m/a', 'opt/m/b'], {prefixLength})).toBeUndefined()
  })

  it('keeps rows of a walk before, and has others among them', () => {
    const columns = columnsOf('a b/ b/c d')
    const added = [...rowsIn(columnsOf('a.b b/d e'), 1)]
    const how = {layers: [], root: unknownState, prefixLength: 0, stateOf: ofFiles}
    const placeOf = (row: number) => (row === 0 ? undefined : 0)
    const walk = composeWalk({...how, base: {columns, placeOf}, added})
    expect(rowsOf(walk)).toEqual(['a.b 1', 'b 0', 'b/c 0', 'b/d 1', 'd 0', 'e 1'])
    const twice = [...rowsIn(columnsOf('d'), 1)]
    expect(composeWalk({...how, base: {columns, placeOf}, added: twice})).toBeUndefined()
  })
})
