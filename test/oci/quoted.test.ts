import {expect, test} from 'vitest'
import {quoted} from '../../src/oci/quoted.js'

test.each([
  ['plain text', '"plain text"'],
  ['a "quote" and \\', '"a \\"quote\\" and \\\\"'],
  ['line\nbreak\u0000\u001b[31m', '"line\\nbreak\\u0000\\u001b[31m"'],
  ['\u202Eevil\u2028', '"\\u202eevil\\u2028"'],
  ['é\u{1F600}', '"\\u00e9\\ud83d\\ude00"'],
  ['\u007f\u009b', '"\\u007f\\u009b"'],
])('%j is shown as %s', (text, shown) => {
  expect(quoted(text)).toBe(shown)
})

test('long text is cut', () => {
  expect(quoted('x'.repeat(1000))).toBe(`"${'x'.repeat(160)}…"`)
  expect(quoted('abc', 2)).toBe('"ab…"')
})
