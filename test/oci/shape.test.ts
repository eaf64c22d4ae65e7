import {expect, test} from 'vitest'
import {
  descriptorShape,
  faultIn,
  listShape,
  looseShape,
  textRecordShape,
  textShape,
} from '../../src/oci/shape.js'
import {makeLayer} from '../support/images.js'

const {descriptor} = makeLayer('x')

test('what has the shape has no fault, whatever else it has', () => {
  expect(faultIn(textShape, 'x')).toBeUndefined()
  expect(faultIn(descriptorShape, {...descriptor, annotations: {a: 'b'}, x: 1})).toBeUndefined()
  expect(faultIn(textRecordShape, {constructor: 'x'})).toBeUndefined()
})

test.each([
  [textShape, 5, 'it must be a string, found 5'],
  [textShape, undefined, 'it is missing'],
  [listShape(textShape), ['a', null], '1 must be a string, found null'],
  [looseShape({a: looseShape({b: textShape})}), {a: {}}, 'a.b is missing'],
  [looseShape({a: textShape}), [], 'it must be an object, found an array'],
  [textRecordShape, {'\n': true}, '"\\n" must be a string, found true'],
  [descriptorShape, {...descriptor, data: 1, urls: [1]}, 'data must be a string, found 1'],
  [descriptorShape, {...descriptor, urls: [1]}, 'urls.0 must be a string, found 1'],
])('the first fault is told with its place', (shape, value, fault) => {
  expect(faultIn(shape, value)).toBe(fault)
})
