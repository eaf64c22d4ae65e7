import {PreconditionError} from '../errors.js'
import type {ByteString} from './byte-string.js'
import type {TarHeader} from './decode-header.js'
import type {Entry} from './entry.js'
import {layerCorrupt} from './layer-corrupt.js'
import {checkXattrSize} from './unpack-limits.js'
import {xattrOfKeyword} from './xattr-keyword.js'

/** What the headers before an entry's own said of it. */
export interface Extensions {
  /** The type of the last of them; absent when there was none. */
  readonly type?: string
  readonly pax?: ReadonlyMap<string, Uint8Array>
  readonly longName?: ByteString
  readonly longLink?: ByteString
}

/** What was said of all entries behind it. */
export interface Globals {
  readonly pax: ReadonlyMap<string, Uint8Array>
}

/**
 * One entry out of its header and what extends it. Throws `IntegrityError` where two of them disagree and readers differ on which one
 * wins, and `PreconditionError` for sparse files and kinds of entries that are no files.
 */
export function describeEntry(header: TarHeader, extensions: Extensions, globals: Globals): Entry {
  const pax = withGlobals(extensions.pax, globals.pax)
  refuseSparse(header, pax)
  const path = oneOf('path', extensions.longName, pax) ?? header.name
  const kind = kindOf(header, path)
  const size = sizeOf(header, pax)
  if (kind !== 'file' && size !== 0) throw layerCorrupt('an entry that is no file has content')
  const common = {
    path,
    mode: header.mode,
    uid: idOf('uid', pax) ?? header.uid,
    gid: idOf('gid', pax) ?? header.gid,
    mtime: checkTime(timeOf(pax) ?? header.mtime),
    xattrs: xattrsOf(pax),
  }
  switch (kind) {
    case 'file':
      return {kind, ...common, size}
    case 'symlink':
    case 'hardlink':
      return {
        kind,
        ...common,
        target: oneOf('linkpath', extensions.longLink, pax) ?? header.link,
      }
    case 'character-device':
    case 'block-device':
      return {kind, ...common, major: header.major, minor: header.minor}
    default:
      return {kind, ...common}
  }
}

/** Go's reader takes no names and sizes from a global header, others do: with such in it, they would see other files. */
export function parseGlobals(records: ReadonlyMap<string, Uint8Array>, before: Globals): Globals {
  for (const keyword of ['path', 'linkpath', 'size']) {
    if (records.has(keyword))
      throw layerCorrupt(`a global header sets the ${keyword} of all entries`)
  }
  return {pax: new Map([...before.pax, ...records])}
}

const kinds: Readonly<Record<string, Entry['kind']>> = {
  '\0': 'file',
  '0': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character-device',
  '4': 'block-device',
  '5': 'directory',
  '6': 'fifo',
  // a file that wants to lie in one piece on the disk
  '7': 'file',
}

function kindOf({type, size}: TarHeader, path: ByteString): Entry['kind'] {
  const kind = kinds[type]
  if (kind === undefined) {
    throw new PreconditionError(
      'ERR_INJECT_ENTRY_TYPE_UNSUPPORTED',
      `the layer has an entry of the type ${JSON.stringify(type)}, which is no file, link or device`,
    )
  }
  // v7 archives know directories only by their trailing slash
  return type === '\0' && size === 0 && path.endsWith('/') ? 'directory' : kind
}

function refuseSparse({type}: TarHeader, pax: ReadonlyMap<string, Uint8Array> | undefined): void {
  const names = [...(pax?.keys() ?? [])]
  const isSparse = (name: string): boolean =>
    name.startsWith('GNU.sparse.') || name === 'SCHILY.realsize'
  if (type === 'S' || names.some(isSparse)) {
    throw new PreconditionError(
      'ERR_INJECT_SPARSE_UNSUPPORTED',
      'the layer holds a file in a sparse form, which cannot be read',
    )
  }
}

function withGlobals(
  own: ReadonlyMap<string, Uint8Array> | undefined,
  globals: ReadonlyMap<string, Uint8Array>,
): ReadonlyMap<string, Uint8Array> | undefined {
  if (globals.size === 0) return own
  return own === undefined ? globals : new Map([...globals, ...own])
}

/** A name by PAX or by GNU's means; by both, readers differ on which one it is. */
function oneOf(
  keyword: 'path' | 'linkpath',
  long: ByteString | undefined,
  pax: ReadonlyMap<string, Uint8Array> | undefined,
): ByteString | undefined {
  const named = textOf(keyword, pax)
  if (named !== undefined && long !== undefined) throw layerCorrupt(`an entry has two ${keyword}s`)
  return named ?? long
}

/** A size in PAX stands for one that did not fit the header. Where the header has another one, that was not so. */
function sizeOf(header: TarHeader, pax: ReadonlyMap<string, Uint8Array> | undefined): number {
  const size = decimal('size', pax)
  if (size === undefined || size === header.size) return header.size
  if (!header.sizeYields) throw layerCorrupt('an entry has two sizes')
  return size
}

function idOf(
  keyword: 'uid' | 'gid',
  pax: ReadonlyMap<string, Uint8Array> | undefined,
): number | undefined {
  const id = decimal(keyword, pax)
  // the largest number means "leave as it is" to the kernel
  if (id !== undefined && id >= 0xffff_ffff)
    throw layerCorrupt(`the ${keyword} of an entry is out of range`)
  return id
}

function decimal(
  keyword: string,
  pax: ReadonlyMap<string, Uint8Array> | undefined,
): number | undefined {
  const text = textOf(keyword, pax)
  if (text === undefined) return undefined
  const value = Number(text)
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(value)) {
    throw layerCorrupt(`the ${keyword} of an entry is not a number`)
  }
  return value
}

/** Whole seconds, towards the past. */
function timeOf(pax: ReadonlyMap<string, Uint8Array> | undefined): number | undefined {
  const text = textOf('mtime', pax)
  if (text === undefined) return undefined
  const match = /^(-?[0-9]{1,15})(?:\.([0-9]*))?$/.exec(text)
  if (match === null) throw layerCorrupt('the mtime of an entry is not a time')
  const [, whole = '', fraction = ''] = match
  return whole.startsWith('-') && /[1-9]/.test(fraction) ? Number(whole) - 1 : Number(whole) + 0
}

/** What a `Date` can say, 270,000 years either way. */
function checkTime(seconds: number): number {
  if (Math.abs(seconds) > 8.64e12) throw layerCorrupt('the mtime of an entry is out of range')
  return seconds
}

/** By the standard an empty value takes the header's back into force; readers differ on that. */
function textOf(
  keyword: string,
  pax: ReadonlyMap<string, Uint8Array> | undefined,
): ByteString | undefined {
  const value = pax?.get(keyword)
  if (value === undefined) return undefined
  if (value.length === 0) throw layerCorrupt(`a PAX record has an empty ${keyword}`)
  return Buffer.from(value).toString('latin1')
}

function xattrsOf(
  pax: ReadonlyMap<string, Uint8Array> | undefined,
): ReadonlyMap<string, Uint8Array> | undefined {
  let xattrs: Map<string, Uint8Array> | undefined
  for (const [keyword, value] of pax ?? []) {
    const name = xattrOfKeyword(keyword)
    if (name === undefined) continue
    checkXattrSize(name, value)
    xattrs ??= new Map()
    xattrs.set(name, value)
  }
  return xattrs
}
