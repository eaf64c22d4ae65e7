import {estargzTocDigest} from '../../oci/annotation.js'
import {type Digest, isDigest} from '../../oci/digest.js'

/** Where a layer's table of contents is, by the annotations of its descriptor. */
export type TocPlace =
  /** In the second to last gzip member; the last one gives its offset. */
  | {readonly kind: 'estargz'; readonly digest: Digest}
  /** In a skippable frame of zstd. */
  | {
      readonly kind: 'zstd:chunked'
      readonly digest: Digest
      readonly offset: number
      readonly length: number
      /** What the tar has beside the content of its files; absent, or too large, it is not used. */
      readonly tarSplit: {readonly offset: number; readonly length: number} | undefined
    }

/** The largest table in bytes, as stored and decompressed; larger ones are ignored. */
export const tocLimits = {stored: 16 * 1024 * 1024, read: 64 * 1024 * 1024}

/**
 * `undefined` for a layer without a table, or with one that is too large or of another kind. The
 * digest is of the table as eStargz decompresses it, and as zstd:chunked stores it.
 * https://github.com/containerd/stargz-snapshotter/blob/v0.15.1/docs/estargz.md
 * https://github.com/containers/storage/blob/v1.55.0/pkg/chunked/internal/compression.go
 */
export function tocPlace({
  size,
  annotations = {},
}: {
  readonly size: number
  readonly annotations?: Readonly<Record<string, string>> | undefined
}): TocPlace | undefined {
  const said = new Map(Object.entries(annotations))
  const chunked = ['io.github.containers', 'io.containers'].flatMap((prefix) => {
    const digest = said.get(`${prefix}.zstd-chunked.manifest-checksum`)
    const position = said.get(`${prefix}.zstd-chunked.manifest-position`)
    const table = partAt(position, tablePosition, size)
    const tarSplit = partAt(
      said.get(`${prefix}.zstd-chunked.tarsplit-position`),
      splitPosition,
      size,
    )
    return isDigest(digest) && table
      ? ({kind: 'zstd:chunked', digest, ...table, tarSplit} as const)
      : []
  })
  const digest = said.get(estargzTocDigest)
  return chunked[0] ?? (isDigest(digest) ? {kind: 'estargz', digest} : undefined)
}

/** `offset:length:uncompressed length:type`; only type 1 is supported. */
const tablePosition = /^(\d{1,15}):(\d{1,15}):\d{1,15}:1$/
/** `offset:length:uncompressed length`. */
const splitPosition = /^(\d{1,15}):(\d{1,15}):\d{1,15}$/

function partAt(position = '', form: RegExp, size: number) {
  const [offset = NaN, length = NaN] = form.exec(position)?.slice(1).map(Number) ?? []
  const fits = length > 0 && length <= tocLimits.stored && offset + length <= size
  return fits ? {offset, length} : undefined
}

/** The size of the eStargz footer, which gives the offset of the table. */
export const footerSize = 51

/**
 * The offset in an eStargz footer: an empty gzip member with an extra field `SG`. `undefined` for
 * anything else.
 */
export function offsetInFooter(footer: Uint8Array): number | undefined {
  const bytes = Buffer.from(footer)
  const isGzip = bytes.subarray(0, 4).equals(Buffer.from([0x1f, 0x8b, 8, 4]))
  const extra = bytes.subarray(10, 16).equals(Buffer.from([26, 0, 0x53, 0x47, 22, 0]))
  const [, hex = ''] = /^([0-9a-f]{16})STARGZ/.exec(bytes.toString('latin1', 16)) ?? []
  const offset = Number.parseInt(hex, 16)
  return isGzip && extra && Number.isSafeInteger(offset) ? offset : undefined
}
