import * as fc from 'fast-check'
import {expect, it} from 'vitest'
import type {MergeRule} from '../../../src/image/merge.js'
import {mergeBytes, oursIn} from '../../../src/layer/merge/merge-bytes.js'

const bytes = (text: string) => Buffer.from(text, 'latin1')
const text = fc.array(fc.constantFrom('a', 'b', '\n', 'ab\n', 'c\n'), {maxLength: 12})

it('ours can be got back from what any two parts give', () => {
  const kinds = fc.constantFrom('append', 'replace', 'lines')
  const separators = fc.constantFrom(undefined, '', '\n', '--\n')
  fc.assert(
    fc.property(text, text, kinds, separators, (vendor, ours, as, separator) => {
      const rule: MergeRule = {path: '/a', as, separator: as === 'append' ? separator : undefined}
      // the end of the last line may be the vendor's
      const part = as === 'lines' ? `${ours.join('')}\n` : ours.join('')
      const merged = mergeBytes(bytes(vendor.join('')), bytes(part), rule)
      const record = {...rule, ...merged, mtime: 0}
      const back = Buffer.from(oursIn(merged.bytes, record)).toString('latin1')
      const plain = (lines: string) =>
        lines.split('\n').filter((line, at, all) => line || at < all.length - 1)
      expect(as === 'lines' ? plain(back) : back).toEqual(as === 'lines' ? plain(part) : part)
      if (as !== 'replace')
        expect(Buffer.from(merged.bytes).toString('latin1').startsWith(vendor.join(''))).toBe(true)
    }),
  )
})

it('lines are each there once, the vendor first', () => {
  const rule: MergeRule = {path: '/a', as: 'lines'}
  const {bytes: merged} = mergeBytes(bytes('a\nb'), bytes('b\nc\nc\n'), rule)
  expect(Buffer.from(merged).toString()).toBe('a\nb\nc\nc\n')
})

it('more than 1,000 lines of ours that the vendor has are refused', () => {
  const lines = bytes(Array.from({length: 1001}, (_, number) => `${number}\n`).join(''))
  expect(() => mergeBytes(lines, lines, {path: '/a', as: 'lines'})).toThrow(
    expect.objectContaining({code: 'ERR_INJECT_MERGE_TOO_LARGE'}),
  )
})

it('two files that are too large together are refused', () => {
  const half = new Uint8Array(8 * 1024 * 1024 + 1)
  expect(() => mergeBytes(half, half, {path: '/a', as: 'append'})).toThrow(
    expect.objectContaining({code: 'ERR_INJECT_MERGE_TOO_LARGE'}),
  )
})

it('a file that is shorter than recorded is not ours', () => {
  const record = {path: '/a', as: 'append', offset: 5, mtime: 0} as const
  expect(() => oursIn(bytes('abc'), record)).toThrow(
    expect.objectContaining({code: 'ERR_INJECT_SLOT_MERGE_INVALID'}),
  )
})
