import {createChunkedEncoder} from '../../src/layer/chunked/chunked-encoder.js'
import {createZstd} from '../../src/layer/compress/zstd-frame.js'
import {decompress} from '../../src/layer/decompress/decompress.js'
import type {Entry} from '../../src/layer/entry.js'
import {unpackLimits} from '../../src/layer/limits.js'
import {encodeHeader} from '../../src/layer/tar/encode-header.js'
import {digestOf, type Digest} from '../../src/oci/digest.js'
import {layerMediaType} from '../../src/oci/media-type.js'
import {streamOf} from '../../src/stream/bytes.js'
import {collect} from './open-registry.js'
import type {PutLayer} from './put-image.js'

const prefix = 'io.github.containers.zstd-chunked'

export interface ChunkedLayer extends PutLayer {
  readonly tar: Buffer
  readonly blob: Buffer
  readonly diffId: Digest
  readonly annotations: Readonly<Record<string, string>>
  /** Why there is no table of contents. */
  readonly obstacle: string | undefined
}

export type TreeEntry = readonly [entry: Entry, content?: Uint8Array]

/** A tar of these entries, as this program writes it. */
export function tarOf(entries: readonly TreeEntry[]): Buffer {
  const parts = entries.flatMap(([entry, content = new Uint8Array()]) => [
    encodeHeader(entry),
    content,
    new Uint8Array(-content.length & 511),
  ])
  return Buffer.concat([...parts, new Uint8Array(1024)])
}

/** A file with its content. */
export function fileEntry(path: string, content: Uint8Array | string): TreeEntry {
  const bytes = Buffer.from(content)
  const metadata = {mode: 0o644, uid: 0, gid: 0, mtime: 1_000_000_000, xattrs: undefined}
  return [{...metadata, path, kind: 'file', size: bytes.length}, bytes]
}

/** A tar as a zstd:chunked layer; it comes in pieces of `step` bytes. */
export function chunkedLayer(tar: Buffer, step = 1024 * 1024): Promise<ChunkedLayer> {
  const encoder = createChunkedEncoder(createZstd())
  const frames: Uint8Array[] = []
  for (let at = 0; at < tar.length; at += step)
    frames.push(...encoder.write(tar.subarray(at, at + step)))
  const {frames: last, annotations = {}, obstacle} = encoder.end()
  const blob = Buffer.concat([...frames, ...last])
  const mediaType = layerMediaType('oci', 'zstd')
  return Promise.resolve({tar, blob, diffId: digestOf(tar), mediaType, annotations, obstacle})
}

/** What stands where an annotation says, as it is stored. */
export function storedPart(
  {blob, annotations}: ChunkedLayer,
  part: 'manifest' | 'tarsplit',
): Buffer {
  const [offset = 0, length = 0] = (annotations[`${prefix}.${part}-position`] ?? '')
    .split(':')
    .map(Number)
  return blob.subarray(offset, offset + length)
}

/** A part as `storedPart` gives it, decompressed. */
export function expanded(stored: Uint8Array): Promise<Buffer> {
  const limits = {...unpackLimits, ratio: Infinity}
  return collect(decompress(streamOf(stored), layerMediaType('oci', 'zstd'), limits))
}

/** The layer with another table of contents, which its annotations name. */
export function withTable(layer: ChunkedLayer, table: unknown): Promise<ChunkedLayer> {
  const frameOf = createZstd()
  const text = Buffer.from(typeof table === 'string' ? table : JSON.stringify(table))
  const stored = Buffer.from(frameOf(text))
  const end = storedPart(layer, 'manifest').byteOffset - layer.blob.byteOffset - 8
  const size = Buffer.alloc(4)
  size.writeUInt32LE(stored.length)
  const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18])
  return Promise.resolve({
    ...layer,
    blob: Buffer.concat([layer.blob.subarray(0, end), skippable, size, stored]),
    annotations: {
      [`${prefix}.manifest-checksum`]: digestOf(stored),
      [`${prefix}.manifest-position`]: `${end + 8}:${stored.length}:${text.length}:1`,
    },
  })
}
