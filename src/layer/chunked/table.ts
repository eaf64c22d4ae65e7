import * as v from 'valibot'
import {isDigest, type Digest} from '../../oci/digest.js'
import {parseTime} from '../../oci/time.js'
import {type ByteString, fromText} from '../byte-string.js'
import type {Entry} from '../entry.js'
import {checkEntryCount, checkXattrSize} from '../limits.js'
import {normalisePath} from '../normalise-path.js'
import {isPortableXattr, xattrOfKeyword, xattrPrefix} from '../tar/pax-values.js'
import {jsonItems} from './json-items.js'

/** Where content is in the layer, in frames of its own. */
export interface ContentPlace {
  readonly digest: Digest
  /** Of its first frame, and of the end of its last one. */
  readonly at: number
  readonly end: number
}

/** Where the content of a file is, all of it. */
export interface FilePlace extends ContentPlace {
  /** The whole file in parts, in their order; none if it is not cut, or not all have a digest. */
  readonly chunks: readonly ChunkPlace[]
}

/** Where a part of a file is. */
export interface ChunkPlace extends ContentPlace {
  readonly size: number
  /** It is a hole: nobody needs to fetch it. */
  readonly isZeros: boolean
}

/** An entry as a table of contents has it. */
export interface TableEntry {
  /** Its path as in the archive. */
  readonly entry: Entry
  /** Of a file that is not empty. */
  readonly place: FilePlace | undefined
}

/** A table of contents that holds together; it need not be true. */
export interface LayerTable {
  /** Parsed each time that they are asked for. */
  readonly entries: () => Generator<TableEntry, void, undefined>
  /** The digest of the tar-split as it is stored. */
  readonly tarSplit: Digest | undefined
}

const integer = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const count = v.nullish(integer, 0)
const text = v.nullish(v.string(), '')
const rowShape = v.looseObject({
  type: v.string(),
  name: v.string(),
  linkName: text,
  mode: count,
  size: count,
  uid: count,
  gid: count,
  modtime: text,
  devMajor: count,
  devMinor: count,
  xattrs: v.nullish(v.record(v.string(), v.string()), {}),
  digest: text,
  offset: count,
  endOffset: count,
  chunkSize: count,
  chunkOffset: count,
  chunkDigest: text,
  chunkType: text,
})
type Row = v.InferOutput<typeof rowShape>
const restShape = v.looseObject({
  version: v.literal(1),
  entries: v.array(v.literal(0)),
  tarSplitDigest: text,
})

/**
 * Reads a table of contents of zstd:chunked whose layer has content up to `contentEnd`. `undefined`
 * if it is invalid: names that occur twice, content that overlaps other content or lies elsewhere,
 * chunks that are not the whole of their file. Throws what `parseJsonValue` throws,
 * and `LimitError` for more entries than `most`.
 */
export function openTable(
  json: Uint8Array,
  contentEnd: number,
  most: number,
): LayerTable | undefined {
  const {rest, items} = jsonItems(json)
  const outline = v.safeParse(restShape, rest)
  if (!outline.success) return undefined
  const check = createCheck(contentEnd, most)
  let rows = 0
  for (const item of items()) {
    rows++
    const row = v.safeParse(rowShape, item)
    if (!row.success || !check.takes(row.output)) return undefined
  }
  if (rows !== outline.output.entries.length || !check.isWhole()) return undefined
  const {tarSplitDigest} = outline.output
  return {
    tarSplit: isDigest(tarSplitDigest) ? tarSplitDigest : undefined,
    *entries() {
      let chunks: Row[] = []
      for (const item of items()) {
        const row = v.parse(rowShape, item)
        const [first] = chunks
        if (row.type === 'chunk') chunks.push(row)
        else {
          if (first) yield tableEntry(first, chunks)
          chunks = [row]
        }
      }
      const [first] = chunks
      if (first) yield tableEntry(first, chunks)
    },
  }
}

/** `rows` is the one of the entry, and those of its other chunks. */
function tableEntry(row: Row, rows: readonly Row[]): TableEntry {
  const entry = entryOf(row)
  if (!entry) throw new Error('a row was not checked')
  const place = placeOf(row)
  return {entry, place: place && {...place, chunks: chunksOf(rows, place)}}
}

function chunksOf(rows: readonly Row[], {end}: ContentPlace): readonly ChunkPlace[] {
  if (rows.length < 2) return []
  const chunks = rows.flatMap(({chunkDigest, chunkSize, chunkType, offset}, number) => {
    if (!isSha256(chunkDigest)) return []
    const next = rows[number + 1]?.offset ?? end
    const isZeros = chunkType === 'zeros'
    return [{digest: chunkDigest, at: offset, end: next, size: chunkSize, isZeros}]
  })
  return chunks.length === rows.length ? chunks : []
}

function createCheck(contentEnd: number, most: number) {
  const names = new Set<string>()
  let entries = 0
  /** Of the content before: what comes next is behind it. */
  let behind = 0
  let file: {readonly name: string; readonly size: number; readonly end: number} | undefined
  let chunked = 0
  let latest = 0

  const isWhole = (): boolean => chunked === 0 || file === undefined || chunked === file.size
  return {isWhole, takes: (row: Row) => (row.type === 'chunk' ? takesChunk(row) : takesEntry(row))}

  function takesEntry(row: Row): boolean {
    if (!isWhole()) return false
    checkEntryCount(++entries, most)
    const entry = entryOf(row)
    // what is not a path within the image is left to who reads it
    const key = entry && (normalisePath(entry.path) ?? entry.path)
    if (key === undefined || names.has(key)) return false
    names.add(key)
    const place = placeOf(row)
    file = undefined
    chunked = 0
    if (place === undefined) return row.type !== 'reg' || row.size === 0
    file = {name: row.name, size: row.size, end: place.end}
    chunked = row.chunkSize
    latest = place.at
    const fits = behind <= place.at && place.at < place.end && place.end <= contentEnd
    behind = place.end
    return fits && row.chunkOffset === 0 && chunked <= row.size
  }

  function takesChunk({name, offset, chunkOffset, chunkSize}: Row): boolean {
    if (file?.name !== name || chunkOffset !== chunked || chunkSize === 0) return false
    const fits = latest < offset && offset < file.end
    latest = offset
    chunked += chunkSize
    return fits && chunked <= file.size
  }
}

/** `undefined` for a kind that is not known. */
function entryOf(row: Row): Entry | undefined {
  const {mode, uid, gid, linkName, devMajor: major, devMinor: minor} = row
  const mtime = parseTime(row.modtime) ?? 0
  const metadata = {
    path: fromText(row.name),
    ...{mode: mode & 0o7777, uid, gid, mtime},
    xattrs: xattrsOf(row.xattrs),
  }
  switch (row.type) {
    case 'reg':
      return {...metadata, kind: 'file', size: row.size}
    case 'dir':
      return {...metadata, kind: 'directory'}
    case 'symlink':
    case 'hardlink':
      return {...metadata, kind: row.type, target: fromText(linkName)}
    case 'char':
      return {...metadata, kind: 'character-device', major, minor}
    case 'block':
      return {...metadata, kind: 'block-device', major, minor}
    case 'fifo':
      return {...metadata, kind: 'fifo'}
    default:
      return undefined
  }
}

function placeOf({type, size, digest, offset: at, endOffset: end}: Row): ContentPlace | undefined {
  return type === 'reg' && size > 0 && isSha256(digest) ? {digest, at, end} : undefined
}

function isSha256(text: string): text is Digest {
  return isDigest(text) && text.startsWith('sha256:')
}

function xattrsOf(values: Readonly<Record<string, string>>): Entry['xattrs'] {
  const found = new Map<ByteString, Uint8Array>()
  for (const [key, value] of Object.entries(values)) {
    const name = xattrOfKeyword(xattrPrefix + fromText(key))
    if (name === undefined || !isPortableXattr(name)) continue
    const bytes = Buffer.from(value, 'base64')
    checkXattrSize(name, bytes)
    found.set(name, bytes)
  }
  return found.size === 0 ? undefined : found
}
