import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {
  canBeFirst,
  canFollow,
  compareInWalk,
} from '../../../../src/layer/recording/rows/path-order.js'

/** `d/` is a directory, all others are files; something lies before and after the path. */
function pathOf(word: string) {
  const path = word.replace(/\/$/, '')
  const kind = word.endsWith('/') ? 'directory' : 'file'
  const text = Buffer.from(`/${path}/`, 'latin1')
  return {text, textAt: 1, pathEnd: text.length - 1, kind}
}

const name = fc.string({
  unit: fc.constantFrom('a', 'b', '.', '\u0001', '\u00ff'),
  minLength: 1,
  maxLength: 3,
})
const path = fc.array(name, {minLength: 1, maxLength: 4}).map((names) => names.join('/'))

/** By the names, as a walk sorts them in each directory, and parents first. */
function compareNames(one: string, other: string): number {
  const [names, others] = [one.split('/'), other.split('/')]
  for (const [at, a] of names.entries()) {
    const b = others[at]
    if (b === undefined) return 1
    if (a !== b) return a < b ? -1 : 1
  }
  return names.length - others.length
}

describe('the order of paths in a walk', () => {
  it('is that of their names, parents first', () => {
    fc.assert(
      fc.property(path, path, (one, other) => {
        const found = compareInWalk(pathOf(one), pathOf(other))
        expect(Math.sign(found)).toBe(Math.sign(compareNames(one, other)))
      }),
    )
  })

  it.each([
    ['a', 'a/b'],
    ['a/z', 'a.b'],
    ['a/z', 'a\u0001'],
    ['a', 'a0'],
    ['a/b/c', 'b'],
  ])('has %j before %j', (one, other) => {
    expect(compareInWalk(pathOf(one), pathOf(other))).toBeLessThan(0)
    expect(compareInWalk(pathOf(other), pathOf(one))).toBeGreaterThan(0)
    expect(compareInWalk(pathOf(one), pathOf(one))).toBe(0)
  })

  it('has what is in a directory after it, or after what is in it, too', () => {
    expect(canFollow(pathOf('a/'), pathOf('a/b'))).toBe(true)
    expect(canFollow(pathOf('a/b/c'), pathOf('a/d'))).toBe(true)
    expect(canFollow(pathOf('a'), pathOf('a/b'))).toBe(false)
    expect(canFollow(pathOf('a/b'), pathOf('ab/c'))).toBe(false)
    expect(canFollow(pathOf('b'), pathOf('a'))).toBe(false)
    expect(canFollow(pathOf('a'), pathOf('a'))).toBe(false)
  })

  it('begins with a name of the directory, or with the directory itself', () => {
    expect(canBeFirst(pathOf('a'), 0)).toBe(true)
    expect(canBeFirst(pathOf('a/b'), 0)).toBe(false)
    expect(canBeFirst(pathOf('opt/m/'), 'opt/m/'.length)).toBe(true)
    expect(canBeFirst(pathOf('opt/m'), 'opt/m/'.length)).toBe(false)
    expect(canBeFirst(pathOf('opt/'), 'opt/m/'.length)).toBe(false)
  })
})
