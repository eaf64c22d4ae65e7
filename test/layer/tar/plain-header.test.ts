import {describe, expect, it} from 'vitest'
import type {Entry} from '../../../src/layer/entry.js'
import {encodeHeader} from '../../../src/layer/tar/encode-header.js'
import {isPlainHeader} from '../../../src/layer/tar/plain-header.js'

const metadata = {mode: 0o644, uid: 0, gid: 1000, mtime: 1_700_000_000, xattrs: undefined}

const plain: readonly Entry[] = [
  {kind: 'file', path: 'a/b', size: 1234, ...metadata},
  {kind: 'file', path: 'n'.repeat(100), size: 0, ...metadata},
  {kind: 'file', path: 'large', ...metadata, size: 0o77777777777, uid: 0o7777777},
  {kind: 'directory', path: 'd', ...metadata, mode: 0o1777},
  {kind: 'symlink', path: 'link', target: '../a/b', ...metadata},
  {kind: 'hardlink', path: 'other name', target: 't'.repeat(100), ...metadata},
]

/** What needs a PAX header, or has parts that are not looked at. */
const others: readonly Entry[] = [
  {kind: 'file', path: `${'d'.repeat(60)}/${'n'.repeat(60)}`, size: 0, ...metadata},
  {kind: 'file', path: 'ümläut', size: 0, ...metadata},
  {kind: 'file', path: 'latin \u00FC', size: 0, ...metadata},
  {kind: 'file', path: 'a', size: 0, ...metadata, uid: 0o10000000},
  {kind: 'file', path: 'a', size: 0o100000000000, ...metadata},
  {kind: 'file', path: 'a', size: 0, ...metadata, mtime: -1},
  {kind: 'file', path: 'a', size: 0, ...metadata, xattrs: new Map([['user.a', Buffer.of(1)]])},
  {kind: 'directory', path: 'd'.repeat(100), ...metadata},
  {kind: 'symlink', path: 'a', target: 't'.repeat(101), ...metadata},
  {kind: 'character-device', path: 'a', ...metadata, major: 1, minor: 3},
  {kind: 'fifo', path: 'a', ...metadata},
]

/** Behind 7 bytes of something else, as a header in the middle of an archive is. */
const before = 7

function blockOf(entry: Entry): Buffer {
  const encoded = encodeHeader(entry)
  return Buffer.concat([Buffer.alloc(before, 'x'), encoded.subarray(encoded.length - 512)])
}

/** Gives a changed block its own checksum again, of bytes as they are or as signed ones. */
function sealed(block: Buffer, isSigned: boolean): Buffer {
  let sum = 8 * 0x20
  for (const [at, byte] of block.subarray(before).entries()) {
    if (at < 148 || at >= 156) sum += isSigned && byte > 127 ? byte - 256 : byte
  }
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, before + 148, 'latin1')
  return block
}

describe('a plain header', () => {
  it.each(plain.map((entry) => [entry.kind, entry] as const))(
    'is recognized as that of a %s',
    (_, entry) => {
      expect(isPlainHeader(blockOf(entry), before, entry)).toBe(true)
    },
  )

  it('is not one that differs in any byte, whatever its checksum says', () => {
    const found: string[] = []
    for (const entry of plain) {
      const own = blockOf(entry)
      for (let at = 0; at < 512; at++) {
        for (const bits of [0x01, 0x80]) {
          for (const isSigned of [false, true]) {
            const block = Buffer.from(own)
            block[before + at]! ^= bits
            if (at < 148 || at >= 156) sealed(block, isSigned)
            if (isPlainHeader(block, before, entry)) found.push(`${entry.path} ${at}`)
          }
        }
      }
    }
    // a reader has refused a checksum with another number
    const isDigit = (text: string) => /1(?:48|49|50|51|52|53)$/.test(text)
    expect(found.filter((text) => !isDigit(text))).toEqual([])
  })

  it('is not that of an entry with another name of the same characters, or another number', () => {
    const [file, , , directory, symlink] = plain
    const changes: [Entry | undefined, Partial<Entry>][] = [
      [file, {path: 'b/a'}],
      [file, {path: 'a/'}],
      [file, {mode: 0o4644}],
      [file, {gid: 1001}],
      [file, {mtime: 0}],
      [file, {size: 4321}],
      [file, {kind: 'directory'}],
      [directory, {path: 'd/'}],
      [directory, {kind: 'file'}],
      [symlink, {target: '../b/a'}],
    ]
    const seen = changes.map(([entry, change]) => {
      return entry && isPlainHeader(blockOf(entry), before, {...entry, ...change} as Entry)
    })
    expect(seen).toEqual(changes.map(() => false))
  })

  it('is nothing that has to be encoded to be compared', () => {
    expect(others.map((entry) => isPlainHeader(blockOf(entry), before, entry))).toEqual(
      others.map(() => false),
    )
  })
})
