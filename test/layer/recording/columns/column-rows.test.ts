import {describe, expect, it} from 'vitest'
import {packColumns, unpackColumns} from '../../../../src/layer/recording/columns/column-rows.js'
import {rowsIn} from '../../../../src/layer/recording/columns/rows-in.js'
import {
  rowsOf,
  stateAt,
  unknownState,
} from '../../../../src/layer/recording/columns/walk-columns.js'
import {columnsOf} from '../../../support/row-columns.js'

const state = {...unknownState, ctimeNs: 2n ** 62n + 3n, mtimeNs: -5n, size: 2n ** 40n, nlink: 1n}
const root = {...unknownState, ino: 2n ** 63n - 1n, dev: 7n}
const columns = columnsOf('a/ a/b a/l@ h= z\u00e4', state)

function seen(each: typeof columns) {
  const names = [...rowsIn(each)].map(({kind, path, target}) => [kind, path, target])
  const states = names.map((_, row) => stateAt(each.states, row + 1))
  const numbers = [each.facts, each.sizes].map((column) =>
    Array.from({length: column.length}, (_, at) => column.at(at)),
  )
  return [names, ...numbers, states]
}

describe('rows of columns', () => {
  it('are what they were, packed and unpacked, with the state of the directory', () => {
    const unpacked = unpackColumns({rows: packColumns(columns), root})
    expect(seen(unpacked)).toEqual(seen(columns))
    expect(stateAt(unpacked.states, 0)).toEqual(root)
  })

  it.each([2 ** 32 - 1, 2])(
    'are at most as many as there are bytes of, and as is said: %i',
    (count) => {
      const {pieces} = packColumns(columns)
      const unpacked = unpackColumns({rows: {pieces, count}, root})
      expect(rowsOf(unpacked)).toBe(Math.min(count, 5))
    },
  )
})
