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

/** Bytes before the texts: the length of all, and the fields of `encodeRecord` in their order. */
const fixed = 58

/** A record in bytes, for a file of this process's own; its first four are how many they are. */
export function encodeRecord(record: ContentRecord): Buffer {
  const {path, target, hash, attributes} = record
  const length = fixed + path.length + target.length + hash.length + attributes.length
  const bytes = Buffer.allocUnsafe(length)
  let at = bytes.writeUInt32LE(length, 0)
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
  for (const text of [path, target, hash, attributes]) at += bytes.write(text, at, 'latin1')
  return bytes
}

/** How many bytes the record at `at` has; `undefined` when not even that is there. */
export function lengthOfRecord(bytes: Buffer, at: number): number | undefined {
  return bytes.length - at < 4 ? undefined : bytes.readUInt32LE(at)
}

/** The record at `at`, all of whose bytes are there. */
export function decodeRecord(bytes: Buffer, at: number): ContentRecord {
  const lengths = [
    bytes.readUInt32LE(at + 48),
    bytes.readUInt32LE(at + 52),
    bytes.readUInt8(at + 56),
    bytes.readUInt8(at + 57),
  ]
  let start = at + fixed
  const [path = '', target = '', hash = '', attributes = ''] = lengths.map((length) => {
    start += length
    return bytes.toString('latin1', start - length, start)
  })
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
    ...{target, hash, attributes},
  }
}
