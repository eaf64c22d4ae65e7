import {PreconditionError} from '../../errors.js'
import type {ByteString} from '../byte-string.js'
import type {TarHeader} from './decode-header.js'
import type {Entry} from '../entry.js'
import type {Globals} from './global-headers.js'
import {layerCorrupt} from '../corrupt.js'
import {isSparseKeyword, type Pax, xattrsOf} from './pax-values.js'
import type {SparseFile} from './sparse-map.js'

/** What the headers before an entry's own said of it. */
export interface Extensions {
  /** The type of the last of them; absent when there was none. */
  readonly type?: string
  readonly pax?: Pax
  readonly longName?: ByteString
  readonly longLink?: ByteString
}

/** An entry's own records stand before the global ones. */
interface Lookup {
  get(keyword: string): Uint8Array | undefined
}

const nothing: Lookup = {get: () => undefined}

/** An entry, and how many bytes of content it has in the archive. */
export interface DescribedEntry {
  readonly entry: Entry
  readonly stored: number
}

/**
 * One entry out of its header and what extends it. Throws `IntegrityError` where two of them
 * disagree and readers differ on which one wins, and `PreconditionError` for kinds of entries that
 * are not files, and for sparse files unless `sparse` says what this one is.
 */
export function describeEntry(
  header: TarHeader,
  extensions: Extensions,
  globals: Globals,
  sparse?: SparseFile,
): DescribedEntry {
  const own = extensions.pax
  const pax: Lookup =
    own === undefined && globals.isEmpty()
      ? nothing
      : {get: (keyword) => own?.get(keyword) ?? globals.get(keyword)}
  if (!sparse) refuseSparse(header, own, globals)
  const path = sparse?.path ?? oneOf('path', extensions.longName, pax) ?? header.name
  const kind = sparse ? 'file' : kindOf(header, path)
  const size = sizeOf(header, pax)
  if (kind !== 'file' && size !== 0) throw layerCorrupt('an entry that is not a file has content')
  const {mode} = header
  const uid = idOf('uid', pax) ?? header.uid
  const gid = idOf('gid', pax) ?? header.gid
  const mtime = checkTime(timeOf(pax) ?? header.mtime)
  const xattrs = own === undefined ? globals.xattrs() : xattrsOf(own, globals.xattrs())
  if (kind === 'file') {
    // nearly all are files, and a spread costs as much as all of the rest
    const entry = {kind, path, mode, uid, gid, mtime, xattrs, size: sparse?.size ?? size} as const
    return {entry, stored: size}
  }
  const common = {path, mode, uid, gid, mtime, xattrs}
  switch (kind) {
    case 'symlink':
    case 'hardlink':
      return {
        entry: {
          kind,
          ...common,
          target: targetOf(oneOf('linkpath', extensions.longLink, pax) ?? header.link),
        },
        stored: 0,
      }
    case 'character-device':
    case 'block-device':
      return {entry: {kind, ...common, major: header.major, minor: header.minor}, stored: 0}
    default:
      return {entry: {kind, ...common}, stored: 0}
  }
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

function kindOf({type, size, name}: TarHeader, path: ByteString): Entry['kind'] {
  const kind = kinds[type]
  if (kind === undefined) {
    throw new PreconditionError(
      'ERR_INJECT_ENTRY_TYPE_UNSUPPORTED',
      `the layer has an entry of type ${JSON.stringify(type)}, which is not a file, link or device`,
    )
  }
  // Python goes by the header's own name, others by the one that stands for it
  const slashes = Number(name.endsWith('/')) + Number(path.endsWith('/'))
  if (kind !== 'file' || slashes === 0) return kind
  // v7 archives know directories only by their trailing slash; of others, readers differ on what
  // this is
  if (type === '\0' && size === 0 && slashes === 2) return 'directory'
  throw layerCorrupt('an entry is a file by its type and a directory by its name')
}

function refuseSparse({type}: TarHeader, own: Pax | undefined, globals: Globals): void {
  if (type === 'S' || globals.isSparse() || [...(own?.keys() ?? [])].some(isSparseKeyword)) {
    throw new PreconditionError(
      'ERR_INJECT_SPARSE_UNSUPPORTED',
      'the layer holds a file in a sparse form, which cannot be read',
    )
  }
}

/** A name by PAX or by GNU's means; by both, readers differ on which one it is. */
function oneOf(
  keyword: 'path' | 'linkpath',
  long: ByteString | undefined,
  pax: Lookup,
): ByteString | undefined {
  const named = textOf(keyword, pax)
  if (named?.includes('\0') === true) throw layerCorrupt(`a PAX record has a NUL in its ${keyword}`)
  if (named !== undefined && long !== undefined) throw layerCorrupt(`an entry has two ${keyword}s`)
  return named ?? long
}

/** An empty one is not a link to bsdtar, and one to the directory itself to GNU tar. */
function targetOf(link: ByteString): ByteString {
  if (link === '') throw layerCorrupt('a link has no target')
  return link
}

/**
 * A size in PAX stands for one that did not fit the header. Where the header has another one, that
 * was not so.
 */
function sizeOf(header: TarHeader, pax: Lookup): number {
  const size = decimal('size', pax)
  if (size === undefined || size === header.size) return header.size
  if (!header.sizeYields) throw layerCorrupt('an entry has two sizes')
  return size
}

function idOf(keyword: 'uid' | 'gid', pax: Lookup): number | undefined {
  const id = decimal(keyword, pax)
  // the largest number means "leave as it is" to the kernel
  if (id !== undefined && id >= 0xffff_ffff)
    throw layerCorrupt(`the ${keyword} of an entry is out of range`)
  return id
}

function decimal(keyword: string, pax: Lookup): number | undefined {
  const text = textOf(keyword, pax)
  if (text === undefined) return undefined
  const value = Number(text)
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(value)) {
    throw layerCorrupt(`the ${keyword} of an entry is not a number`)
  }
  return value
}

/** Whole seconds, towards the past. */
function timeOf(pax: Lookup): number | undefined {
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
function textOf(keyword: string, pax: Lookup): ByteString | undefined {
  const value = pax.get(keyword)
  if (value === undefined) return undefined
  if (value.length === 0) throw layerCorrupt(`a PAX record has an empty ${keyword}`)
  return Buffer.from(value).toString('latin1')
}
