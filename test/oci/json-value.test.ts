import {expect, it} from 'vitest'
import {parseJsonValue} from '../../src/oci/json-value.js'

it.each([
  ['{"a":[1,null]}', {a: [1, null]}],
  ['"text"', 'text'],
  ['', undefined],
  ['{"a":', undefined],
  ['\uFEFF{}', undefined],
])('%j is %j', (text, expected) => {
  expect(parseJsonValue(text)).toEqual(expected)
})
