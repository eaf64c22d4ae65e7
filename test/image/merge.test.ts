import {describe, expect, it} from 'vitest'
import {formatMerges, parseMergeRule, parseMerges, refuseRepeated} from '../../src/image/merge.js'

describe('a rule', () => {
  it.each([
    ['/etc/hosts=append', {path: '/etc/hosts', as: 'append'}],
    ['/etc//hosts=lines', {path: '/etc/hosts', as: 'lines'}],
    ['/a=b=replace', {path: '/a=b', as: 'replace'}],
    ['/a=append:', {path: '/a', as: 'append', separator: ''}],
    ['/a=append:\\n--=append\\t\\\\n', {path: '/a', as: 'append', separator: '\n--=append\t\\n'}],
    ['/a=append:x:y', {path: '/a', as: 'append', separator: 'x:y'}],
  ])('%s', (text, expected) => {
    expect(parseMergeRule(text)).toEqual(expected)
  })

  it.each(['', '/a', '=append', '/a=', '/a=mixed', '/a=lines:x', '/a=keystore', '/=append'])(
    'is not %j',
    (text) => {
      expect(() => parseMergeRule(text)).toThrow(
        expect.objectContaining({code: 'ERR_INJECT_MERGE_INVALID'}),
      )
    },
  )

  it.each(['a=append', '/a/../b=append', '/.wh.a=append'])('has a clean path, not %j', (text) => {
    expect(() => parseMergeRule(text)).toThrow(
      expect.objectContaining({code: 'ERR_INJECT_SLOT_PATH_INVALID'}),
    )
  })

  it('is one for each path', () => {
    const rules = ['/a=append', '/b=append', '/a/=lines'].map(parseMergeRule)
    expect(() => refuseRepeated(rules)).toThrow(/\/a/)
    expect(() => refuseRepeated(rules.slice(0, 2))).not.toThrow()
  })
})

describe('a record', () => {
  const file = {path: '/a', as: 'lines', offset: 3, mtime: 5, shared: [[0, 1]]} as const

  it('is a label, the same for every order', () => {
    const other = {path: '/b', as: 'append', at: '/c', offset: 0, mtime: 0} as const
    const text = formatMerges([other, file])
    expect(text).toBe(formatMerges([file, other]))
    expect(parseMerges(text!)).toEqual([file, other])
    expect(formatMerges([])).toBeUndefined()
  })

  it.each([
    ['no JSON', '{'],
    ['no list', JSON.stringify(file)],
    ['a path that climbs', JSON.stringify([{...file, path: '/a/../b'}])],
    ['a place that climbs', JSON.stringify([{...file, at: '../b'}])],
    ['an unknown way', JSON.stringify([{...file, as: 'mixed'}])],
    ['a negative offset', JSON.stringify([{...file, offset: -1}])],
    ['a large offset', JSON.stringify([{...file, offset: 2 ** 60}])],
    ['no digest', JSON.stringify([{...file, vendor: 'x'}])],
    ['too many lines', JSON.stringify([{...file, shared: Array<number[]>(1001).fill([0, 0])}])],
    ['too many files', JSON.stringify(Array<object>(1001).fill(file))],
  ])('is not %s', (_, text) => {
    expect(parseMerges(text)).toBeUndefined()
  })
})
