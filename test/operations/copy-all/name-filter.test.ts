import {describe, expect, it} from 'vitest'
import {createNameFilter} from '../../../src/operations/copy-all/name-filter.js'
import {thrownBy} from '../../support/thrown-by.js'

const filter = (include: string[], exclude: string[] = []) => createNameFilter({include, exclude})

describe('createNameFilter', () => {
  it('wants everything without patterns', () => {
    expect(filter([]).repository('a')).toBe(true)
    expect(filter([]).tag('a', 'v1')).toBe(true)
    expect(filter([]).named).toBeUndefined()
  })

  it('matches repositories and tags, and excludes last', () => {
    const {repository, tag} = filter(['team/*:v1.*', 'tools/**'], ['tools/old', '**:*-rc'])
    expect(['team/a', 'team/a/b', 'tools/a/b', 'tools/old', 'x'].filter(repository)).toEqual([
      'team/a',
      'tools/a/b',
    ])
    expect(['v1.0', 'v1.0-rc', 'v2.0'].filter((name) => tag('team/a', name))).toEqual(['v1.0'])
    expect(tag('tools/a', 'any')).toBe(true)
    expect(tag('tools/old', 'any')).toBe(false)
  })

  it('names repositories that need no list', () => {
    expect(filter(['team/a', 'team/a:v*', 'b']).named).toEqual(['team/a', 'b'])
    expect(filter(['team/a', 'b*']).named).toBeUndefined()
  })

  it.each(['', 'A', 'a:', 'a:b:c', 'a b', '/a', 'a:x/y'])('refuses %j', (pattern) => {
    expect(thrownBy(() => filter([pattern]))).toMatchObject({
      code: 'ERR_INJECT_NAME_PATTERN_INVALID',
    })
  })
})
