import {describe, expect, it} from 'vitest'
import {splitAnnotations} from '../../../../src/cli/flags/content/annotation.js'
import {thrownBy} from '../../../support/thrown-by.js'

describe('W27 annotations by what they are of', () => {
  it.each<[string, object]>([
    ['a.b', {image: {'a.b': 'v'}, index: undefined}],
    ['manifest:a', {image: {a: 'v'}, index: undefined}],
    ['index:a', {image: undefined, index: {a: 'v'}}],
    ['index,manifest:a', {image: {a: 'v'}, index: {a: 'v'}}],
    ['index:a:b', {image: undefined, index: {'a:b': 'v'}}],
    ['other:a', {image: {'other:a': 'v'}, index: undefined}],
    ['index:', {image: {'index:': 'v'}, index: undefined}],
  ])('%s', (name, expected) => {
    expect(splitAnnotations([[name, 'v']])).toEqual(expected)
  })

  it.each(['index-descriptor:a', 'manifest-descriptor:a', 'manifest[linux/amd64]:a'])(
    '%s, which we do not write, is refused',
    (name) => {
      expect(thrownBy(() => splitAnnotations([[name, 'v']])).code).toBe('ERR_INJECT_PAIR_INVALID')
    },
  )
})
