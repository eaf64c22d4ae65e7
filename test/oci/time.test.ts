import {describe, expect, test} from 'vitest'
import {formatTime, latestTime, parseTime} from '../../src/oci/time.js'

describe('times', () => {
  test.each([
    [0, '1970-01-01T00:00:00Z'],
    [1_767_323_045, '2026-01-02T03:04:05Z'],
    [latestTime, '9999-12-31T23:59:59Z'],
    [Infinity, '9999-12-31T23:59:59Z'],
    [-1e15, '0001-01-01T00:00:00Z'],
  ])('%d is written within what can be written', (seconds, text) => {
    expect(formatTime(seconds)).toBe(text)
    expect(parseTime(formatTime(seconds))).toBe(
      Math.min(Math.max(seconds, -62_135_596_800), latestTime),
    )
  })

  test.each([
    ['2026-01-02T03:04:05.999Z', 1_767_323_045],
    ['2026-01-02T05:04:05+02:00', 1_767_323_045],
    ['2026-13-02T03:04:05Z', undefined],
    ['2026-01-02', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%j is read as whole seconds, or as no time', (text, seconds) => {
    expect(parseTime(text)).toBe(seconds)
  })
})
