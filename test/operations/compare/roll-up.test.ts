import {describe, expect, it} from 'vitest'
import type {FileChange} from '../../../src/operations/compare/file-change.js'
import {createRollUp} from '../../../src/operations/compare/roll-up.js'

const facts = (type: 'file' | 'directory') => ({
  type,
  ...{size: 1, mode: 0, uid: 0, gid: 0, mtime: 0, target: undefined, sha256: undefined},
})

function change(text: string): FileChange {
  const [kind = '', path = '', aspects] = text.split(' ')
  const type = path.endsWith('/') ? ('directory' as const) : ('file' as const)
  return {
    change: kind as FileChange['change'],
    path: path.replace(/\/$/, ''),
    before: kind === 'added' ? undefined : facts(type),
    after: kind === 'removed' ? undefined : facts(type),
    aspects: (aspects?.split(',') ?? []) as FileChange['aspects'],
    bytes: type === 'file' ? 10 : 0,
    unsure: false,
  }
}

function rowsOf(most: number, ...texts: readonly string[]) {
  const rollUp = createRollUp(most)
  for (const text of texts) rollUp.add(change(text))
  return rollUp
    .rows()
    .map(({change: kind, path, files, bytes, type, aspects}) =>
      [kind, type === 'directory' ? `${path}/` : path, files, bytes, aspects.join()]
        .join(' ')
        .trim(),
    )
}

describe('changes summed up by directory', () => {
  it('are one row for a directory that is there on one side only', () => {
    expect(
      rowsOf(
        10,
        'added a/',
        'added a/b/',
        'added a/b/x',
        'added a/y',
        'changed b content',
        'removed c/',
        'removed c/x',
      ),
    ).toEqual(['added a/ 2 20', 'changed b 1 10 content', 'removed c/ 1 10'])
  })

  it('are rows of the deepest directories first, where there are too many', () => {
    const deep = Array.from({length: 5}, (_, at) => `changed lib/deep/${at} content`)
    const flat = ['changed etc/one mode', 'changed etc/two mode', 'added top']
    expect(rowsOf(4, ...flat.slice(0, 2), ...deep, 'added top')).toEqual([
      'changed etc/one 1 10 mode',
      'changed etc/two 1 10 mode',
      'changed lib/deep/ 5 50 content',
      'added top 1 10',
    ])
    expect(rowsOf(3, ...flat.slice(0, 2), ...deep, 'added top')).toEqual([
      'changed etc/ 2 20 mode',
      'changed lib/deep/ 5 50 content',
      'added top 1 10',
    ])
  })

  it('count every path once, however many there are', () => {
    const many = Array.from({length: 5000}, (_, at) => `added d${at % 50}/s${at % 500}/f${at}`)
    const rollUp = createRollUp(5)
    for (const text of many) rollUp.add(change(text))
    const rows = rollUp.rows()
    expect(rows.length).toBeLessThanOrEqual(5)
    expect(rows.reduce((sum, {files}) => sum + files, 0)).toBe(5000)
  })

  it('leave out directories of which only the time differs, and count them', () => {
    const rollUp = createRollUp(5)
    rollUp.add(change('changed a/ time'))
    rollUp.add(change('changed a/b content'))
    expect([rollUp.rows().length, rollUp.times()]).toEqual([1, 1])
  })
})
