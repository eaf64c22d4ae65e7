import fc from 'fast-check'
import {readdirSync} from 'node:fs'
import {describe, expect, it} from 'vitest'
import {compareRecords, type ContentRecord} from '../../../src/layer/content/record.js'
import {decodeRecords, encodeRecords} from '../../../src/layer/content/encode-record.js'
import {createRecordStore} from '../../../src/layer/content/record-store.js'
import {tempDir} from '../../support/temp-dir.js'
import {thrownBy} from '../../support/thrown-by.js'

const bytes = fc
  .array(fc.integer({min: 1, max: 255}), {maxLength: 20})
  .map((codes) => String.fromCharCode(...codes))
const record: fc.Arbitrary<ContentRecord> = fc.record({
  path: bytes,
  kind: fc.constantFrom('file', 'directory', 'implicit', 'whiteout', 'link'),
  layer: fc.nat(100),
  sequence: fc.nat(2 ** 32 - 1),
  sides: fc.constantFrom(1, 2, 3),
  mode: fc.nat(0o7777),
  uid: fc.nat(2 ** 32 - 1),
  gid: fc.nat(2 ** 32 - 1),
  mtime: fc.integer(),
  size: fc.maxSafeNat(),
  target: bytes,
  hash: bytes,
  attributes: bytes,
  inode: fc.maxSafeNat(),
})

describe('records beyond what memory is for', () => {
  it('come back in the order of a tree, whatever order and writer they came from', async () => {
    const folder = await tempDir()
    fc.assert(
      fc.property(fc.array(fc.array(record), {minLength: 1, maxLength: 4}), (groups) => {
        const store = createRecordStore(folder, {held: 3, memory: 2000, disk: 1024 ** 2})
        for (const group of groups) {
          const write = store.openWriter()
          for (const each of group) write(each)
        }
        const expected = groups.flat().sort(compareRecords)
        expect([...store.sorted()]).toEqual(expected)
        expect([...store.sorted()]).toEqual(expected)
        store.close()
      }),
    )
    expect(readdirSync(folder)).toEqual([])
  })

  it('are on disk as they were', () => {
    fc.assert(
      fc.property(fc.array(record), (records) => {
        expect([...decodeRecords(encodeRecords(records))]).toEqual(records)
      }),
    )
  })

  it('are refused when they would fill the disk', async () => {
    const store = createRecordStore(await tempDir(), {held: 10, memory: 1000, disk: 5000})
    const write = store.openWriter()
    const [one] = fc.sample(record, 1)
    const error = thrownBy(() => {
      for (let sequence = 1; sequence < 10_000; sequence++)
        write({...(one as ContentRecord), path: `p${sequence}`, sequence})
    })
    expect(error.code).toBe('ERR_INJECT_LISTING_TOO_LARGE')
    store.close()
  })

  it('sort a slash before every other byte', () => {
    const at = (path: string): ContentRecord =>
      ({...fc.sample(record, 1)[0], path}) as ContentRecord
    const paths = ['a', 'a/b', 'a/b/c', 'a/z', 'a\x01', 'a b', 'a-b', 'a.b', 'ab']
    const shuffled = [...paths].reverse().map(at)
    expect(shuffled.sort(compareRecords).map(({path}) => path)).toEqual(paths)
  })
})
