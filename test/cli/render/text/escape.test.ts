import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {errorTrace} from '../../../../src/cli/terminal/error-line.js'
import {
  escapedJson,
  escapedLine,
  escapedLines,
  plainText,
} from '../../../../src/cli/render/text/escape.js'
import {createProgress} from '../../../../src/cli/terminal/progress.js'
import {NetworkError} from '../../../../src/errors.js'

/**
 * C0, DEL, C1, bidirectional and invisible marks, separators of lines, a tag character, half a
 * character.
 */
const hostile =
  'a\u0000\u0007\u001B[31m\r\n\t\u007F\u009B2J\u061C\u200B\u200E\u202E\u2066\u2028\u2029\uFEFF\u{E0041}\uD800b'
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u

describe('A19 whatever leaves is escaped', () => {
  it('on a line, in columns, and over lines', () => {
    expect(escapedLine(hostile)).not.toMatch(unsafe)
    expect(escapedLine('\u{E0041}\u009B')).toBe('\\u{e0041}\\u{9b}')
    expect(plainText(hostile)).not.toMatch(unsafe)
    expect(escapedLines('one\ntwo\u009B')).toBe('one\ntwo\\u{9b}')
    expect(escapedLine('käse 漢字 🎉')).toBe('käse 漢字 🎉')
  })

  it('in JSON, which stands for the same document', () => {
    const escaped = escapedJson(JSON.stringify({[hostile]: [hostile]}, null, 2))
    expect(escaped.replaceAll('\n', '')).not.toMatch(unsafe)
    expect(JSON.parse(escaped)).toEqual({[hostile]: [hostile]})
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const json = JSON.stringify(value)
        expect(JSON.parse(escapedJson(json))).toEqual(JSON.parse(json))
        expect(escapedJson(json)).not.toMatch(unsafe)
      }),
    )
  })

  it('in the causes that --debug shows: no message fakes a line', () => {
    const cause = new Error(`inner ${hostile}\n    at fake (file.js:1:1)`)
    const trace = errorTrace(new NetworkError('ERR_INJECT_NETWORK', hostile, {cause}))
    expect(trace.replaceAll('\n', '')).not.toMatch(unsafe)
    expect(trace).toMatch(/^NetworkError: a/)
    expect(trace).toContain('\\u{a}    at fake')
    expect(trace).toMatch(/\n {4}at .*escape\.test/)
    expect(errorTrace({thrown: hostile})).not.toMatch(unsafe)
  })

  it('in progress as JSON', async () => {
    let written = ''
    const terminal = {
      write: (text: string) => (written += text),
      isTTY: false,
      env: {},
      now: () => 0,
    }
    const event = {kind: 'notice', message: hostile} as const
    const progress = await createProgress('json', {quiet: false, debug: false}, terminal)
    progress.report(event)
    expect(written.slice(0, -1)).not.toMatch(unsafe)
    expect(JSON.parse(written)).toEqual(event)
  })
})
