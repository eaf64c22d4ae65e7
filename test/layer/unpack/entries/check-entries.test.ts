import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {InjectError} from '../../../../src/errors.js'
import {checkEntry} from '../../../../src/layer/unpack/entries/check-entries.js'
import type {Entry} from '../../../../src/layer/entry.js'

const base = {mode: 0o644, uid: 0, gid: 0, mtime: 0, xattrs: undefined}
const atRoot = {prefix: '', devices: false}
const models = {prefix: 'opt/models', devices: false}

const file = (path: string): Entry => ({kind: 'file', path, size: 0, ...base})
const directory = (path: string): Entry => ({kind: 'directory', path, ...base})
const symlink = (path: string, target: string): Entry => ({kind: 'symlink', path, target, ...base})
const hardlink = (path: string, target: string): Entry => ({
  kind: 'hardlink',
  path,
  target,
  ...base,
})
const device = (path: string): Entry => ({kind: 'block-device', path, major: 8, minor: 0, ...base})

const pathOf = (entry: Entry, rules = atRoot): string => {
  const checked = checkEntry(entry, rules)
  return checked.place === 'inside' ? checked.entry.path : `(${checked.place})`
}
const refused = (code: string): unknown =>
  expect.objectContaining({name: 'UnsafeContentError', code})
const thrownBy = (entry: Entry, rules = atRoot): unknown => {
  try {
    checkEntry(entry, rules)
  } catch (error) {
    return error
  }
  return undefined
}

describe('checkEntry', () => {
  it.each([
    ['a', 'a'],
    ['./a', 'a'],
    ['././a', 'a'],
    ['.//a', 'a'],
    ['a//b', 'a/b'],
    ['a/./b', 'a/b'],
    ['...', '...'],
    ['..a/b..', '..a/b..'],
    ['-rf', '-rf'],
    [' ', ' '],
  ])('L41 takes %j for %j', (path, clean) => {
    expect(pathOf(file(path))).toBe(clean)
  })

  it('takes directories with and without their slash', () => {
    for (const path of ['d', 'd/', 'd//', './d/', 'd/.', 'd/./'])
      expect(pathOf(directory(path))).toBe('d')
  })

  it.each([
    '/a',
    '//a',
    '////a',
    './../a',
    'a/../../b',
    '..',
    '../',
    'a/..',
    'a/b/../../../c',
    './/../a',
    '/',
  ])('T-01 T-20 L1 refuses %j', (path) => {
    expect(thrownBy(file(path))).toEqual(refused('ERR_INJECT_UNSAFE_PATH'))
    expect(thrownBy(directory(path))).toEqual(refused('ERR_INJECT_UNSAFE_PATH'))
    expect(thrownBy(hardlink('link', path))).toEqual(refused('ERR_INJECT_UNSAFE_PATH'))
  })

  it('T-03 L3 refuses a path of more than 256 names', () => {
    expect(pathOf(file(`${'d/'.repeat(255)}f`))).toHaveLength(511)
    for (const path of [`${'d/'.repeat(256)}f`, `${'d/'.repeat(10_000)}f`]) {
      expect(thrownBy(file(path))).toMatchObject({
        name: 'LimitError',
        code: 'ERR_INJECT_PATH_TOO_DEEP',
      })
    }
  })

  it('T-05 T-07 T-08 L5 refuses hard links that could lead out', () => {
    for (const target of [
      '/abs/secret',
      'a/b/../../../secret',
      'a/../secret',
      '',
      '.',
      './',
      'a\0b',
    ]) {
      expect(thrownBy(hardlink('x', target)), target).toMatchObject({name: 'UnsafeContentError'})
    }
    expect(checkEntry(hardlink('x', './a//b'), atRoot)).toMatchObject({entry: {target: 'a/b'}})
  })

  it('T-09 L9 takes what only other systems would take for paths as the names they are', () => {
    for (const path of ['C:..\\x', 'C:x', '\\\\host\\x', '..\\x'])
      expect(pathOf(file(path))).toBe(path)
  })

  it('A18 refuses names of our own temporary folders in their full form, and takes what looks alike', () => {
    const form = '4194303-1-01234567-0123456789abcdef'
    for (const path of [
      `.inject-new-${form}`,
      `a/.b.inject-old-${form}/c`,
      `.x.inject-new-${form}`,
      `.x.inject-turn/change`,
    ])
      expect(thrownBy(file(path))).toEqual(refused('ERR_INJECT_RESERVED_NAME'))
    for (const path of [
      '.inject-new-1-1-x',
      `inject-new-${form}`,
      `.inject-new-${form}x`,
      '.inject-turn',
      '.x.inject-turns',
    ])
      expect(pathOf(file(path))).toBe(path)
  })

  it('T-12 refuses a NUL in a name', () => {
    expect(thrownBy(file('a\0b'))).toEqual(refused('ERR_INJECT_UNSAFE_PATH'))
    expect(thrownBy(symlink('a', 'b\0c'))).toEqual(refused('ERR_INJECT_UNSAFE_PATH'))
  })

  it.each(['.', './', './/.', ''])('T-15 L15 refuses %j as anything but a directory', (path) => {
    for (const entry of [file(path), symlink(path, 'x'), hardlink(path, 'x'), device(path)]) {
      expect(thrownBy(entry, {...atRoot, devices: true})).toEqual(refused('ERR_INJECT_UNSAFE_PATH'))
    }
  })

  it('knows the entry of the directory itself', () => {
    for (const path of ['.', './', './.']) expect(pathOf(directory(path))).toBe('(root)')
    expect(thrownBy(directory(''))).toEqual(refused('ERR_INJECT_UNSAFE_PATH'))
  })

  it('leaves the targets of symlinks alone', () => {
    for (const target of ['/etc/passwd', '../../..', 'a//b', '.', 'caf\u00e9']) {
      expect(checkEntry(symlink('x', target), atRoot)).toMatchObject({entry: {target}})
    }
    expect(thrownBy(symlink('x', ''))).toEqual(refused('ERR_INJECT_UNSAFE_PATH'))
  })

  it('L41 takes names of 255 bytes, refuses 256', () => {
    expect(pathOf(file(`d/${'n'.repeat(255)}`))).toHaveLength(257)
    expect(thrownBy(file(`d/${'n'.repeat(256)}/f`))).toEqual(refused('ERR_INJECT_UNSAFE_PATH'))
  })

  it('L41 refuses a trailing slash on what is not a directory', () => {
    for (const path of ['f/', 'f/.', 'd/f//']) {
      expect(thrownBy(file(path))).toEqual(refused('ERR_INJECT_UNSAFE_PATH'))
      expect(thrownBy(symlink(path, 'x'))).toEqual(refused('ERR_INJECT_UNSAFE_PATH'))
    }
  })

  it('T-26 refuses devices without leave', () => {
    expect(thrownBy(device('sda'))).toEqual(refused('ERR_INJECT_DEVICE'))
    expect(thrownBy({...device('null'), kind: 'character-device'} as Entry)).toEqual(
      refused('ERR_INJECT_DEVICE'),
    )
    expect(pathOf(device('sda'), {...atRoot, devices: true})).toBe('sda')
  })

  describe('for a slot that belongs below the root', () => {
    it('is relative to its place', () => {
      expect(pathOf(file('opt/models/a/b'), models)).toBe('a/b')
      expect(pathOf(file('./opt//models/a'), models)).toBe('a')
      expect(checkEntry(hardlink('opt/models/b', 'opt/models/a'), models)).toMatchObject({
        entry: {path: 'b', target: 'a'},
      })
    })

    it('knows the place itself and what leads to it', () => {
      expect(pathOf(directory('opt/models/'), models)).toBe('(root)')
      for (const path of ['opt', 'opt/', './opt', '.'])
        expect(pathOf(directory(path), models)).toBe('(above)')
    })

    it.each(['etc/passwd', 'opt/modelsx', 'opt/model', 'opt/other', 'models/a', 'optx'])(
      'refuses %s',
      (path) => {
        expect(thrownBy(file(path), models)).toEqual(refused('ERR_INJECT_OUTSIDE_PATH'))
        expect(thrownBy(directory(path), models)).toEqual(refused('ERR_INJECT_OUTSIDE_PATH'))
        expect(thrownBy(hardlink('opt/models/x', path), models)).toEqual(
          refused('ERR_INJECT_OUTSIDE_PATH'),
        )
      },
    )

    it('refuses other things where directories lead to it', () => {
      expect(thrownBy(symlink('opt', '/'), models)).toEqual(refused('ERR_INJECT_OUTSIDE_PATH'))
      expect(thrownBy(symlink('opt/models', '/'), models)).toEqual(
        refused('ERR_INJECT_UNSAFE_PATH'),
      )
      expect(thrownBy(hardlink('opt/models/x', 'opt/models'), models)).toEqual(
        refused('ERR_INJECT_OUTSIDE_PATH'),
      )
    })
  })

  it('P12 gives only clean relative paths, whatever the name', () => {
    const piece = fc.oneof(
      fc.constantFrom('', '.', '..', 'a', '\0', 'opt', 'models'),
      fc.string({maxLength: 3}),
    )
    const path = fc.array(piece, {maxLength: 6}).map((pieces) => pieces.join('/'))
    fc.assert(
      fc.property(path, path, fc.boolean(), (name, target, below) => {
        try {
          const checked = checkEntry(hardlink(name, target), below ? models : atRoot)
          if (checked.place !== 'inside' || checked.entry.kind !== 'hardlink') return
          for (const clean of [checked.entry.path, checked.entry.target]) {
            expect(
              clean
                .split('/')
                .every((part) => !['', '.', '..'].includes(part) && !part.includes('\0')),
            ).toBe(true)
          }
        } catch (error) {
          expect(error).toBeInstanceOf(InjectError)
        }
      }),
    )
  })

  it('keeps hostile names in messages on one line', () => {
    const error = thrownBy(file('/\u001b[2J\n\r\u202e')) as Error
    // eslint-disable-next-line no-control-regex -- these are what must not be there
    expect(error.message).not.toMatch(/[\u0000-\u001f\u202e]/)
  })
})
