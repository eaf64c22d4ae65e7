import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {jsonErrorLine} from '../../../src/registry/credentials/json-error-line.js'

describe('jsonErrorLine', () => {
  it.each<[string, string, number]>([
    ['a missing comma', '{"a": 1\n "b": 2}', 2],
    ['a comma too many', '{\n"a": 1,\n}', 3],
    ['a text that is cut off', '{\n"auths": {\n', 3],
    ['an unquoted name', '{\n\n  auths: {}}', 3],
    ['no colon', '{"auths"\n\n{}}', 3],
    ['a line end in a string', '{"a":\n"x\ny"}', 2],
    ['a word', 'canary', 1],
    ['something after the end', '{}\n{}', 2],
    ['the wrong bracket', '{"a": [\n1}', 2],
    ['a number with a leading zero', '[1,\n01]', 2],
    ['an escape that is not one', String.raw`{"a": 1,${'\n'}"b": "\x"}`, 2],
  ])('names the line of %s', (_, text, line) => {
    expect(jsonErrorLine(text)).toBe(line)
  })

  it('finds nothing wrong in JSON', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(jsonErrorLine(`${text}\n!`)).toBe(text.split('\n').length + 1)
      }),
    )
  })
})
