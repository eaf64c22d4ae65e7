import {describe, expect, it} from 'vitest'
import {openTable} from '../../../src/layer/chunked/table.js'
import {digestOf} from '../../../src/oci/digest.js'

const digest = digestOf(Buffer.from('x'))
const end = 1000
const one = {type: 'reg', name: 'a', size: 10, digest, offset: 100, endOffset: 200}
const other = {type: 'reg', name: 'b', size: 10, digest, offset: 200, endOffset: 300}
const chunked = [
  {...one, chunkSize: 4},
  {type: 'chunk', name: 'a', offset: 150, chunkOffset: 4, chunkSize: 6},
]

const open = (document: unknown, most = 100) =>
  openTable(
    Buffer.from(typeof document === 'string' ? document : JSON.stringify(document)),
    end,
    most,
  )
const openEntries = (...entries: readonly object[]) => open({version: 1, entries})

describe('a table of contents', () => {
  it('is read entry by entry, without its chunks', () => {
    const table = openEntries(
      {type: 'dir', name: 'd/', mode: 0o755, modtime: '2001-09-09T01:46:40Z'},
      ...chunked,
      {type: 'hardlink', name: 'é', linkName: 'a'},
      {...other, xattrs: {'user.a%3Db': 'eA==', 'trusted.x': 'eA=='}, unknown: {of: [{}]}},
    )
    expect([...(table?.entries() ?? [])]).toMatchObject([
      {entry: {kind: 'directory', path: 'd/', mode: 0o755, mtime: 1_000_000_000}},
      {entry: {kind: 'file', path: 'a', size: 10}, place: {digest, at: 100, end: 200}},
      {entry: {kind: 'hardlink', path: 'Ã©', target: 'a'}, place: undefined},
      {entry: {path: 'b', xattrs: new Map([['user.a=b', Buffer.from('x')]])}},
    ])
  })

  it.each<[string, readonly object[]]>([
    ['a name that occurs twice', [one, {...other, name: 'a'}]],
    ['a name that occurs twice, in another form', [one, {type: 'dir', name: './a/'}]],
    ['content that overlaps other content', [one, {...other, offset: 199}]],
    ['the content of another file', [one, {...other, offset: 100, endOffset: 200}]],
    ['content in the table itself', [{...one, endOffset: end + 1}]],
    ['content of no bytes', [{...one, endOffset: 100}]],
    ['content that ends before it begins', [{...one, endOffset: 50}]],
    ['a file without content', [{...one, offset: undefined, endOffset: undefined}]],
    ['a file without a digest', [{...one, digest: ''}]],
    ['a digest that is not one', [{...one, digest: 'sha256:../..'}]],
    ['a digest of another kind', [{...one, digest: `sha512:${'0'.repeat(128)}`}]],
    ['a negative size', [{...one, size: -1}]],
    ['a size that is not a number', [{...one, size: '10'}]],
    ['a size beyond what a number holds', [{...one, size: 2 ** 60}]],
    ['chunks that are less than the file', [{...one, chunkSize: 4}]],
    ['chunks that are less than the file, before another one', [{...one, chunkSize: 4}, other]],
    ['chunks that are more than the file', [chunked[0]!, {...chunked[1]!, chunkSize: 7}]],
    ['chunks with a gap', [chunked[0]!, {...chunked[1]!, chunkOffset: 5}]],
    ['a chunk behind its file', [chunked[0]!, {...chunked[1]!, offset: 200}]],
    ['a chunk before its file', [chunked[0]!, {...chunked[1]!, offset: 100}]],
    ['a chunk of no bytes', [...chunked, {...chunked[1]!, chunkOffset: 10, chunkSize: 0}]],
    ['a chunk of another file', [chunked[0]!, {...chunked[1]!, name: 'b'}]],
    ['a chunk without a file', [chunked[1]!]],
    ['an unknown type', [{...one, type: 'sparse'}]],
    ['an entry without a name', [{...one, name: undefined}]],
  ])('T-29 is not used with %s', (_, entries) => {
    expect(openEntries(...entries)).toBe(undefined)
  })

  it.each<[string, unknown]>([
    ['another version', {version: 2, entries: [one]}],
    ['no entries', {version: 1}],
    ['entries that are not objects', {version: 1, entries: [one, 1]}],
    ['zeros in place of entries', {version: 1, entries: [0]}],
    ['entries in another place', {version: 1, entries: [], other: [one]}],
    ['entries twice', `{"version":1,"entries":[${JSON.stringify(one)}],"entries":[]}`],
    ['a list', [one]],
  ])('T-29 is not used with %s', (_, document) => {
    // either way the layer itself is read
    let table
    try {
      table = open(document)
    } catch (error) {
      expect(error).toMatchObject({code: expect.stringMatching(/^ERR_INJECT_/) as string})
    }
    expect(table).toBe(undefined)
  })

  it('T-29 is refused with too many entries', () => {
    expect(() => open({version: 1, entries: [one, other]}, 1)).toThrow(
      expect.objectContaining({code: 'ERR_INJECT_TOO_MANY_ENTRIES'}),
    )
  })
})
