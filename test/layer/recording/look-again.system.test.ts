import {linkSync, mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import type {ByteString} from '../../../src/layer/byte-string.js'
import {lastOf} from '../../../src/stream/take-turns.js'
import {lookAgain} from '../../../src/layer/recording/look-again.js'
import {RowReader} from '../../../src/layer/recording/rows/packed-rows.js'
import {recordedRows} from '../../support/recorded-rows.js'
import {tempDir} from '../../support/temp-dir.js'

/** Tells which rows are looked at. */
class SeenReader extends RowReader {
  readonly seen: string[] = []

  override path(from?: number): ByteString {
    const path = super.path(from)
    this.seen.push(path)
    return path
  }
}

/** Three files, two of which have another name each, after a walk. */
async function start() {
  const directory = await tempDir()
  const path = (name: string) => join(directory, name)
  mkdirSync(path('d'))
  for (const name of ['one', 'two', 'three']) writeFileSync(path(name), name)
  linkSync(path('one'), path('xlink'))
  linkSync(path('two'), path('ylink'))
  const {tree, root, rows} = recordedRows(directory)
  const look = (areLinksAlike: boolean) => {
    const reader = new SeenReader(rows)
    const touchedRows: number[] = []
    const touched = lastOf(
      lookAgain(reader, {
        ...{tree, root, prefixLength: 0, now: 2n ** 62n, areLinksAlike},
        onTouched: (row) => touchedRows.push(row),
      }),
    )
    return {touched, touchedRows, seen: reader.seen}
  }
  return {path, look}
}

const names = ['d', 'one', 'three', 'two', 'xlink', 'ylink']

it('hard links are looked at where their file was touched', async () => {
  const {path, look} = await start()
  expect(look(true).seen).toEqual(['d', 'one', 'three', 'two'])
  writeFileSync(path('ylink'), 'other')
  const {touched, touchedRows, seen} = look(true)
  expect(seen).toEqual(['d', 'one', 'three', 'two', 'ylink'])
  expect(touchedRows).toEqual([3, 5])
  expect(touched?.files).toEqual([
    {item: 2, group: 1},
    {item: 4, group: 1},
  ])
  expect(look(false)).toEqual({touched, touchedRows, seen: names})
})

it('all names are looked at where hard links can part without a trace', async () => {
  const {look} = await start()
  expect(look(false)).toMatchObject({seen: names, touchedRows: []})
})
