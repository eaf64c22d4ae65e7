import {expect, it} from 'vitest'
import {parseSize} from '../../src/cli/flags/common.js'

it.each([
  ['0', 0],
  ['1234', 1234],
  ['500M', 500_000_000],
  ['1.5k', 1500],
  ['20GB', 20_000_000_000],
  ['5MiB', 5 * 1024 * 1024],
  ['64Ki', 65_536],
])('%s is %i bytes', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes)
})

it.each(['', 'M', '-1', '1e9', '5mb ', '5 M', 'iB', '5iB', '1.2345M', '٣'])(
  '%j is not a size',
  (text) => {
    expect(() => parseSize(text)).toThrow('not a size')
  },
)
