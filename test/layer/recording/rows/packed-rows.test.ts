import fc from 'fast-check'
import {expect, it} from 'vitest'
import {
  ColumnCursor,
  packColumns,
  unpackColumns,
} from '../../../../src/layer/recording/columns/column-rows.js'
import {
  type PackedRows,
  type RowCursor,
  RowReader,
  RowWriter,
} from '../../../../src/layer/recording/rows/packed-rows.js'
import {number, RowNumbers} from '../../../../src/layer/recording/rows/row-numbers.js'
import {RowSplicer} from '../../../../src/layer/recording/rows/row-splicer.js'
import {unknownState} from '../../../../src/layer/recording/columns/walk-columns.js'
import {runs} from '../../../support/property-runs.js'

const long = fc.bigInt({min: -(2n ** 63n), max: 2n ** 63n - 1n})
const small = fc.nat(2 ** 32 - 1)
const name = fc.string({unit: fc.constantFrom('a', 'b', '/', '\u00e9', '\u00ff'), maxLength: 30})

/** Rows as a walk has them, and any others. */
const row = fc.record({
  kind: fc.nat(3),
  isBytes: fc.boolean(),
  path: fc.oneof(
    name,
    fc.nat(9).map((count) => `${'long/'.repeat(count * 200)}x`),
  ),
  target: fc.oneof(fc.constant(''), name),
  state: fc.record({
    ctimeNs: long,
    mtimeNs: fc.oneof(fc.constant(5n), long),
    size: fc.oneof(fc.constant(7n), long),
    ino: long,
    dev: fc.constantFrom<bigint>(1n, 2n ** 40n),
    nlink: fc.constantFrom<bigint>(1n, 2n),
  }),
  mode: fc.nat(0o7777),
  uid: small,
  gid: small,
  mtime: fc.integer({min: -8.64e12, max: 8.64e12}),
  content: fc.oneof(fc.constant(7), fc.nat(2 ** 53 - 1)),
  names: fc.nat(3),
  group: small,
})
type Row = typeof row extends fc.Arbitrary<infer T> ? T : never

function numbersOf(row: Row): RowNumbers {
  const numbers = new RowNumbers()
  numbers.putState(row.state)
  for (const place of ['mode', 'uid', 'gid', 'mtime', 'content', 'names', 'group'] as const)
    numbers.put(number[place], row[place])
  return numbers
}

function pack(rows: readonly Row[]): PackedRows {
  const writer = new RowWriter()
  for (const each of rows) writer.push(each, numbersOf(each))
  return writer.rows()
}

function sizeOf({pieces}: PackedRows): number {
  return pieces.reduce((sum, {length}) => sum + length, 0)
}

function read(cursor: RowCursor): Row[] {
  const rows: Row[] = []
  while (cursor.next()) {
    const {kind, isBytes, numbers} = cursor
    const [mode, uid, gid] = [number.mode, number.uid, number.gid].map((at) => numbers.at(at))
    const [mtime, content] = [number.mtime, number.content].map((at) => numbers.at(at))
    const [names, group] = [number.names, number.group].map((at) => numbers.at(at))
    rows.push({
      ...{kind, isBytes, path: cursor.path(), target: cursor.target(), state: numbers.state()},
      ...{mode, uid, gid, mtime, content, names, group},
    } as Row)
  }
  return rows
}

it('rows are what they were, packed and as columns', () => {
  fc.assert(
    fc.property(fc.array(row, {maxLength: 40}), (rows) => {
      const packed = pack(rows)
      expect(packed.count).toBe(rows.length)
      expect(read(new RowReader(packed))).toEqual(rows)
      const columns = unpackColumns({rows: packed, root: unknownState})
      expect(read(new ColumnCursor(columns))).toEqual(rows)
      expect(read(new RowReader(packColumns(columns)))).toEqual(rows)
    }),
    {numRuns: runs(1)},
  )
})

it('some rows get other numbers, and the others stay, over several changes', () => {
  const change = fc.record({at: fc.nat(39), by: row})
  fc.assert(
    fc.property(
      fc.array(row, {maxLength: 40}),
      fc.array(fc.array(change, {maxLength: 10}), {minLength: 1, maxLength: 3}),
      (rows, rounds) => {
        let packed = pack(rows)
        const expected = [...rows]
        for (const changes of rounds) {
          const others = new Map(changes.map(({at, by}) => [at, by]))
          const splicer = new RowSplicer(packed, {areKept: true})
          const kept = [...expected]
          for (let at = 0; splicer.next(); at++) {
            const {path, target, kind, isBytes} = expected[at] as Row
            const other = others.get(at)
            if (!other) continue
            const later = {...other, mtime: other.mtime + 1}
            splicer.replace(numbersOf(other), at % 2 === 0 ? numbersOf(later) : undefined)
            expected[at] = {...other, path, target, kind, isBytes}
            kept[at] = {...(at % 2 === 0 ? later : other), path, target, kind, isBytes}
          }
          packed = splicer.rows()
          expect(packed.count).toBe(rows.length)
          expect(read(new RowReader(packed))).toEqual(expected)
          const keptRows = splicer.keptRows()
          expect(keptRows && read(new RowReader(keptRows))).toEqual(kept)
          expect(new RowSplicer(packed).keptRows()).toBeUndefined()
        }
      },
    ),
    {numRuns: runs(1)},
  )
})

it('rows that all have other numbers stay few pieces, of few bytes', () => {
  const facts = {kind: 1, isBytes: false, mode: 0o644, uid: 0, gid: 0, mtime: 5, content: 3}
  const rows = Array.from({length: 5000}, (_, at) => ({
    ...{...facts, path: `usr/share/doc/package/file-${at}.html`, target: '', names: 0, group: 0},
    state: {...unknownState, ino: BigInt(at), size: 3n},
  }))
  const before = pack(rows)
  const splicer = new RowSplicer(before)
  const others = rows.map((each) => ({...each, mtime: 6, state: {...each.state, mtimeNs: 6n}}))
  for (let at = 0; splicer.next(); at++) splicer.replace(numbersOf(others[at] as Row))
  const after = splicer.rows()
  expect(read(new RowReader(after))).toEqual(others)
  expect(after.pieces.length).toBeLessThan(10)
  expect(sizeOf(after)).toBeLessThan(1.01 * sizeOf(before))
})

it('a file of a tree takes few bytes', () => {
  const state = {...unknownState, ctimeNs: 1_790_000_000_123_456_789n, size: 4321n, dev: 64n}
  const facts = {mode: 0o644, uid: 0, gid: 0, mtime: 1_790_000_000, content: 4321, names: 0}
  const rows = Array.from({length: 1000}, (_, at) => ({
    ...{kind: 1, isBytes: false, path: `usr/share/doc/package/file-${at}.html`, target: ''},
    ...{...facts, group: 0, state: {...state, ino: BigInt(at) + 100n, nlink: 1n}},
  }))
  const {pieces} = pack(rows)
  expect(Buffer.concat(pieces).length / rows.length).toBeLessThan(25)
})
