import {expect, it} from 'vitest'
import {RowReader, RowWriter} from '../../../src/layer/recording/rows/packed-rows.js'
import {RowNumbers} from '../../../src/layer/recording/rows/row-numbers.js'
import {createRowNames} from '../../../src/layer/shards/row-names.js'

const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1)

/** In pieces as small as can be, so that there are several. */
function packed(paths: readonly string[], hasOwnName: boolean) {
  const writer = new RowWriter((least) => Buffer.alloc(least))
  for (const path of paths)
    writer.push({kind: 1, isBytes: false, path, target: '', hasOwnName}, new RowNumbers())
  return writer.rows()
}

const paths = ['a/same-1', 'a/same-2', 'a/same-2b', 'b/same-2b', 'b/x', 'top', 'topmost', 'é/é']

it.each([true, false])('names of rows are read again (each in its own row: %s)', (hasOwnName) => {
  const {pieces} = packed(paths, hasOwnName)
  expect(pieces).toHaveLength(paths.length)
  const rows = new RowReader({pieces})
  const names = createRowNames(pieces, () => rows)
  const numbers = paths.map((path) => {
    rows.next()
    expect(rows.path()).toBe(path)
    return names.add(nameOf(path))
  })
  expect(numbers).toEqual(paths.map((_, at) => at))
  expect(names.length).toBe(paths.length)
  expect(numbers.map((number) => names.at(number))).toEqual(paths.map(nameOf))
  expect(names.at(paths.length)).toBe('')
})

it('a row that has its own name has all of it, and the folder in common with the one before', () => {
  const whole = ({pieces}: {readonly pieces: readonly Buffer[]}) => {
    const rows = new RowReader({pieces})
    return paths.map((path) => rows.next() && rows.pathEndAt(nameOf(path).length) !== undefined)
  }
  expect(whole(packed(paths, true))).toEqual(paths.map(() => true))
  expect(whole(packed(paths, false))).not.toEqual(paths.map(() => true))
  const size = ({pieces}: {readonly pieces: readonly Buffer[]}) => Buffer.concat(pieces).length
  const long = ['folder/of/some/length/a', 'folder/of/some/length/b']
  expect(size(packed(long, true))).toBe(size(packed(long, false)))
})
