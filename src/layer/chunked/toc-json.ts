import {earliestTime, formatTime, latestTime} from '../../oci/time.js'
import {toText} from '../byte-string.js'
import type {Entry} from '../entry.js'
import {xattrKeyword, xattrPrefix} from '../tar/pax-values.js'
import type {Chunk, ChunkedFile} from './file-chunks.js'

const types = {
  file: 'reg',
  hardlink: 'hardlink',
  symlink: 'symlink',
  'character-device': 'char',
  'block-device': 'block',
  directory: 'dir',
  fifo: 'fifo',
} as const satisfies Record<Entry['kind'], string>

/**
 * An entry in the JSON of a table of contents, and one more for each chunk but the first of its
 * file, with commas between. The name is the one in the archive, slash at the end of a directory's
 * included: readers compare it. `undefined` if JSON has no form for it: names that are not UTF-8,
 * and times before year 1 or after year 9999.
 * https://github.com/containers/container-libs/blob/storage/v1.65.1/storage/pkg/chunked/internal/minimal/compression.go
 */
export function tocJson(entry: Entry, file: ChunkedFile | undefined): string | undefined {
  const name = toText(entry.path)
  const target = 'target' in entry ? toText(entry.target) : ''
  const xattrs = xattrsOf(entry.xattrs)
  if (name === undefined || target === undefined || xattrs === undefined) return undefined
  if (entry.mtime < earliestTime || entry.mtime > latestTime) return undefined
  const [first, ...others] = file?.chunks ?? []
  const isCut = others.length > 0
  const {mode, uid, gid} = entry
  const members = {
    type: types[entry.kind],
    name,
    linkName: target || undefined,
    mode: mode || undefined,
    size: (entry.kind === 'file' && entry.size) || undefined,
    uid: uid || undefined,
    gid: gid || undefined,
    modtime: formatTime(entry.mtime),
    devMajor: ('major' in entry && entry.major) || undefined,
    devMinor: ('minor' in entry && entry.minor) || undefined,
    xattrs: entry.xattrs?.size ? xattrs : undefined,
    digest: file?.digest,
    offset: file?.at,
    endOffset: file?.end,
    ...(isCut && first && chunkMembers(first)),
  }
  const rest = others.map((chunk) => ({
    type: 'chunk',
    name,
    offset: chunk.at,
    ...chunkMembers(chunk),
  }))
  return [members, ...rest].map((each) => JSON.stringify(each)).join(',')
}

function chunkMembers({offset, size, digest, isZeros}: Chunk) {
  return {
    chunkSize: size,
    chunkOffset: offset || undefined,
    chunkDigest: digest,
    chunkType: isZeros ? 'zeros' : undefined,
  }
}

/** By the name in the archive, which Go's reader takes as it stands. */
function xattrsOf(xattrs: Entry['xattrs']): Record<string, string> | undefined {
  const texts: Record<string, string> = {}
  for (const [name, value] of xattrs ?? []) {
    const text = toText(xattrKeyword(name).slice(xattrPrefix.length))
    if (text === undefined) return undefined
    texts[text] = Buffer.from(value).toString('base64')
  }
  return texts
}
