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
  ['it must be a string, found 5', textShape, 5],
  ['it is missing', textShape, undefined],
  ['1 must be a string, found null', listShape(textShape), ['a', null]],
  ['a.b is missing', looseShape({a: looseShape({b: textShape})}), {a: {}}],
  ['it must be an object, found an array', looseShape({a: textShape}), []],
  ['"\\n" must be a string, found true', textRecordShape, {'\n': true}],
  ['data must be a string, found 1', descriptorShape, {...descriptor, data: 1, urls: [1]}],
  ['urls.0 must be a string, found 1', descriptorShape, {...descriptor, urls: [1]}],
])('the first fault is told with its place: %s', (fault, shape, value) => {
  expect(faultIn(shape, value)).toBe(fault)
})
