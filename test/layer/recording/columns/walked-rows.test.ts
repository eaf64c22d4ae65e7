import {describe, expect, it} from 'vitest'
import {rowsIn} from '../../../../src/layer/recording/columns/rows-in.js'
import {stateAt, unknownState} from '../../../../src/layer/recording/columns/walk-columns.js'
import {walkedRows} from '../../../../src/layer/recording/columns/walked-rows.js'
import {digestOf} from '../../../../src/oci/digest.js'
import {columnsOf, entryOf} from '../../../support/row-columns.js'

const now = {...unknownState, ctimeNs: 7n, nlink: 1n}

function walkOf(words: string, prefixLength = 0, nlink = 1n) {
  const layer = {diffId: digestOf(Buffer.of()), tarSize: 1024}
  return walkedRows(columnsOf(words, {...unknownState, nlink}), {
    layer,
    prefixLength,
    stateOf: () => now,
  })
}

describe('the rows of a layer as a walk', () => {
  it.each([
    ['files of one directory', 'a b c'],
    ['directories before what is in them', 'a/ a/b a/c/ a/c/d a/e f'],
    ['a name before the same with more, parents first', 'a/ a/z a.b a0'],
    ['a file beside a directory with the start of its name', 'a/ a/b ab ab.c/ ab.c/d'],
    ['links', 'a/ a/l@ b@ c'],
    ['back up by several levels', 'a/ a/b/ a/b/c/ a/b/c/d e/ e/f'],
    ['bytes beyond ASCII', 'a \u00e4 \u00ff'],
  ])('are what a walk finds: %s', (_, words) => {
    const walk = walkOf(words)
    expect([...rowsIn(walk!)].map(({path}) => path)).toEqual(
      words.split(' ').map((word) => entryOf(word).path),
    )
    expect(walk?.layers).toMatchObject({list: [{tarSize: 1024}]})
    expect(walk?.layers?.ofRow.length).toBe(words.split(' ').length)
  })

  it.each([
    ['a name after a later one', 'b a'],
    ['a name twice', 'a a'],
    ['a directory after what is in it', 'a/b a/'],
    ['a directory that no row describes', 'a/ a/b/c'],
    ['such a directory beside a file', 'a b/c'],
    ['such a directory beside another one', 'a/ a/b ac/d'],
    ['something in a file', 'a a/b'],
    ['something in a link', 'a@ a/b'],
    ['something in what only begins like a directory', 'a/ ab/c'],
    ['a directory that was left already', 'a/ a/b ab a/c'],
    ['names ordered by bytes, with a slash among them', 'a/ a.b a/c'],
    ['hard links', 'a b='],
    ['a first row in a directory', 'a/b'],
    ['a path that is too long', `a ${'b'.repeat(4000)}`],
  ])('are not what a walk finds: %s', (_, words) => {
    expect(walkOf(words)).toBeUndefined()
  })

  it('are not, where a file or a link has another name', () => {
    expect(walkOf('a', 0, 2n)).toBeUndefined()
    expect(walkOf('a/', 0, 2n)).toBeDefined()
  })

  it('begin with the directory itself where its paths have a part that is not in it', () => {
    const {length} = 'opt/m/'
    expect(walkOf('opt/m/ opt/m/a opt/m/d/ opt/m/d/e', length)).toBeDefined()
    expect(walkOf('opt/m/a', length)).toBeUndefined()
    expect(walkOf('opt/ opt/m/', length)).toBeUndefined()
    expect(walkOf('opt/m', length)).toBeUndefined()
  })

  it('get the states of directories and links, which must be as the rows say', () => {
    const walk = walkOf('a/ a/b a/l@')
    const times = [1, 2, 3].map((row) => stateAt(walk!.states, row).ctimeNs)
    expect(times).toEqual([7n, 0n, 7n])
    const none = {layer: undefined, prefixLength: 0, stateOf: () => undefined}
    expect(walkedRows(columnsOf('a b'), none)).toBeDefined()
    expect(walkedRows(columnsOf('a/'), none)).toBeUndefined()
  })
})
