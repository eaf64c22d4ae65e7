import type {ByteString} from '../byte-string.js'
import type {ContentRecord, RecordKind, Sides} from './record.js'

const kinds: readonly RecordKind[] = [
  'file',
  'directory',
  'symlink',
  'hardlink',
  'fifo',
  'character-device',
  'block-device',
  'implicit',
  'whiteout',
  'opaque',
  'link',
]

/** The size of the fixed part: the total length, and the fields of `write` in their order. */
const fixed = 58

/** Encoded records, one after the other, for the memory and files of this process only. */
export function encodeRecords(records: readonly ContentRecord[]): Buffer {
  const bytes = Buffer.allocUnsafeSlow(records.reduce((sum, each) => sum + sizeOf(each), 0))
  let at = 0
  for (const record of records) at = write(record, bytes, at)
  return bytes
}

function sizeOf({path, target, hash, attributes}: ContentRecord): number {
  return fixed + path.length + target.length + hash.length + attributes.length
}

/** The offset of the next one. */
function write(record: ContentRecord, bytes: Buffer, start: number): number {
  const {path, target, hash, attributes} = record
  let at = bytes.writeUInt32LE(sizeOf(record), start)
  at = bytes.writeUInt8(kinds.indexOf(record.kind), at)
  at = bytes.writeUInt8(record.sides, at)
  at = bytes.writeUInt32LE(record.layer, at)
  at = bytes.writeUInt32LE(record.sequence, at)
  at = bytes.writeUInt16LE(record.mode, at)
  at = bytes.writeUInt32LE(record.uid, at)
  at = bytes.writeUInt32LE(record.gid, at)
  at = bytes.writeDoubleLE(record.mtime, at)
  at = bytes.writeDoubleLE(record.size, at)
  at = bytes.writeDoubleLE(record.inode, at)
  at = bytes.writeUInt32LE(path.length, at)
  at = bytes.writeUInt32LE(target.length, at)
  at = bytes.writeUInt8(hash.length, at)
  at = bytes.writeUInt8(attributes.length, at)
  for (const text of [path, target, hash, attributes])
    if (text !== '') at += bytes.write(text, at, 'latin1')
  return at
}

/** The records in `bytes`, all of them complete. */
export function* decodeRecords(bytes: Buffer): Generator<ContentRecord, void, undefined> {
  for (let at = 0; at < bytes.length; at += bytes.readUInt32LE(at)) yield decodeRecord(bytes, at)
}

/** The length of the record at `at`; `undefined` if even that is incomplete. */
export function lengthOfRecord(bytes: Buffer, at: number): number | undefined {
  return bytes.length - at < 4 ? undefined : bytes.readUInt32LE(at)
}

/** The record at `at`, which must be complete. */
export function decodeRecord(bytes: Buffer, at: number): ContentRecord {
  let start = at + fixed
  const take = (length: number): ByteString => {
    if (length === 0) return ''
    start += length
    return bytes.toString('latin1', start - length, start)
  }
  const path = take(bytes.readUInt32LE(at + 48))
  const target = take(bytes.readUInt32LE(at + 52))
  const hash = take(bytes.readUInt8(at + 56))
  const attributes = take(bytes.readUInt8(at + 57))
  return {
    path,
    kind: kinds[bytes.readUInt8(at + 4)] ?? 'file',
    sides: bytes.readUInt8(at + 5) as Sides,
    layer: bytes.readUInt32LE(at + 6),
    sequence: bytes.readUInt32LE(at + 10),
    mode: bytes.readUInt16LE(at + 14),
    uid: bytes.readUInt32LE(at + 16),
    gid: bytes.readUInt32LE(at + 20),
    mtime: bytes.readDoubleLE(at + 24),
    size: bytes.readDoubleLE(at + 32),
    inode: bytes.readDoubleLE(at + 40),
    target,
    hash,
    attributes,
  }
}
