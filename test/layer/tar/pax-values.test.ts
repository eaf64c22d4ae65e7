import {describe, expect, it} from 'vitest'
import {xattrKeyword, xattrOfKeyword} from '../../../src/layer/tar/pax-values.js'

describe('xattrKeyword', () => {
  it.each([
    ['user.a', 'SCHILY.xattr.user.a'],
    ['user.a=b', 'SCHILY.xattr.user.a%3Db'],
    ['user.50%', 'SCHILY.xattr.user.50%'],
    ['user.%3D', 'SCHILY.xattr.user.%253D'],
    ['user.%25', 'SCHILY.xattr.user.%2525'],
  ])('L45 %s is %s, and is read back', (name, keyword) => {
    expect(xattrKeyword(name)).toBe(keyword)
    expect(xattrOfKeyword(keyword)).toBe(name)
  })

  it('knows other keywords from attributes', () => {
    expect(xattrOfKeyword('LIBARCHIVE.xattr.user.a')).toBeUndefined()
    expect(xattrOfKeyword('path')).toBeUndefined()
  })
})
