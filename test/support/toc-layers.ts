import {gzipSync} from 'node:zlib'
import {createZstd} from '../../src/layer/compress/zstd-frame.js'
import {digestOf, type Digest} from '../../src/oci/digest.js'
import {layerMediaType} from '../../src/oci/media-type.js'
import type {PutLayer} from './put-image.js'
import {archive, member} from './tar-fixtures.js'

/** A table of contents as both formats have it. */
export const tableOf = (entries: readonly object[]): Buffer =>
  Buffer.from(JSON.stringify({version: 1, entries}))

export interface TocLayer extends PutLayer {
  readonly blob: Buffer
  readonly diffId: Digest
  readonly annotations: Readonly<Record<string, string>>
}

/**
 * A layer with a table: members without an end marker, then the table in an archive of its own, and
 * an empty member of gzip that says where that begins.
 */
export function estargz(members: readonly Buffer[], table: Buffer): TocLayer {
  const content = Buffer.concat(members)
  const toc = archive(member({name: 'stargz.index.json', content: table}))
  const stored = gzipSync(content)
  const blob = Buffer.concat([stored, gzipSync(toc), footer(stored.length)])
  return {
    blob,
    diffId: digestOf(Buffer.concat([content, toc])),
    mediaType: layerMediaType('oci', 'gzip'),
    annotations: {'containerd.io/snapshot/stargz/toc.digest': digestOf(table)},
  }
}

function footer(offset: number): Buffer {
  const extra = Buffer.from(`SG\x16\0${offset.toString(16).padStart(16, '0')}STARGZ`, 'latin1')
  const head = Buffer.from([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, extra.length, 0])
  return Buffer.concat([head, extra, Buffer.from([1, 0, 0, 255, 255]), Buffer.alloc(8)])
}

/** The same in zstd: the table is in a frame that decoders pass over. */
export function zstdChunked(members: readonly Buffer[], table: Buffer): Promise<TocLayer> {
  const content = archive(...members)
  const zstdFrame = createZstd()
  const stored = Buffer.from(zstdFrame(content))
  const toc = Buffer.from(zstdFrame(table))
  const size = Buffer.alloc(4)
  size.writeUInt32LE(toc.length)
  const position = `${stored.length + 8}:${toc.length}:${table.length}:1`
  return Promise.resolve({
    blob: Buffer.concat([stored, Buffer.from([0x50, 0x2a, 0x4d, 0x18]), size, toc]),
    diffId: digestOf(content),
    mediaType: layerMediaType('oci', 'zstd'),
    annotations: {
      'io.github.containers.zstd-chunked.manifest-checksum': digestOf(toc),
      'io.github.containers.zstd-chunked.manifest-position': position,
    },
  })
}
