import {LimitError, UnsafeContentError} from '../../../errors.js'
import {type ByteString, display} from '../../byte-string.js'
import type {Entry} from '../../entry.js'
import {refuseReservedNames} from '../../reserved-name.js'
import {deepestPath} from '../../limits.js'

export interface EntryRules {
  /**
   * Where in the image the directory belongs, relative to the root without slashes at its ends;
   * empty for the root itself.
   */
  readonly prefix: ByteString
  /** Whether device nodes may be made. */
  readonly devices: boolean
  /** Directories that we leave alone, wherever they are. */
  readonly above?: readonly ByteString[]
}

/** Where an entry belongs, seen from the directory that is filled. */
export type CheckedEntry =
  /** In it; `path` and a hard link's target are relative to it. */
  | {readonly place: 'inside'; readonly entry: Entry}
  /** It is the directory itself. */
  | {readonly place: 'root'; readonly entry: Entry & {readonly kind: 'directory'}}
  /** A directory of the image that leads to it, which we leave alone. */
  | {readonly place: 'above'}

const longestName = 255

/**
 * Whether an entry as the archive has it can be written, by its own words alone. Names are brought
 * into their one form (`./a//b/` is `a/b`). Throws `UnsafeContentError` for what is absolute,
 * climbs, is not a name, is not where the slot's content belongs, or is a device without leave;
 * `LimitError` for a path of more than 256 names.
 */
export function checkEntry(
  archived: Entry,
  {prefix, devices, above = []}: EntryRules,
): CheckedEntry {
  const path = normalise(archived.path, 'name')
  if (path !== '' && archived.kind !== 'directory' && /\/\.?$/.test(archived.path)) {
    throw unsafePath(`${display(archived.path)} has the name of a directory but is not one`)
  }
  if (archived.kind === 'directory' && above.includes(path)) return {place: 'above'}
  if (path === prefix || path === '') return atRoot(archived, path, prefix)
  if (isBelow(prefix, path) && archived.kind === 'directory') return {place: 'above'}
  if (!isBelow(path, prefix)) throw outside(path, prefix)
  refuseReservedNames(path)
  if (!devices && (archived.kind === 'character-device' || archived.kind === 'block-device')) {
    throw new UnsafeContentError(
      'ERR_INJECT_DEVICE',
      `the layer holds the device ${display(path)}`,
      {
        hint: 'use --devices if you trust the image',
      },
    )
  }
  const inside = within(path, prefix)
  const target = targetOf(archived, prefix)
  const isSame = target === undefined && inside === archived.path
  return {place: 'inside', entry: isSame ? archived : {...archived, ...target, path: inside}}
}

/** An entry for the image's root is nothing to a directory that belongs below it. */
function atRoot(archived: Entry, path: ByteString, prefix: ByteString): CheckedEntry {
  if (archived.kind !== 'directory') {
    throw unsafePath(
      `${display(archived.path)} would replace the directory itself but is not a directory`,
    )
  }
  return path === prefix ? {place: 'root', entry: {...archived, path}} : {place: 'above'}
}

/**
 * A symlink's target is content, and may say anything that a symlink can say. A hard link's is an
 * entry of this layer.
 */
function targetOf(archived: Entry, prefix: ByteString): {target: ByteString} | undefined {
  if (archived.kind === 'symlink') {
    if (archived.target === '' || archived.target.includes('\0')) {
      throw unsafePath(`the symlink ${display(archived.path)} has no target`)
    }
    return undefined
  }
  if (archived.kind !== 'hardlink') return undefined
  const target = normalise(archived.target, 'link target')
  if (target === '' || !isBelow(target, prefix)) throw outside(target, prefix)
  return {target: within(target, prefix)}
}

function normalise(path: ByteString, what: string): ByteString {
  // nearly all are in this form, and to take them apart is a tenth of the work on an entry
  const bare = path.endsWith('/') ? path.slice(0, -1) : path
  if (isPlain(bare)) return bare
  if (path === '') throw unsafePath(`an entry has an empty ${what}`)
  if (path.includes('\0')) throw unsafePath(`the ${what} ${display(path)} holds a NUL`)
  if (path.startsWith('/')) throw unsafePath(`the ${what} ${display(path)} is absolute`)
  const names = path.split('/').filter((name) => name !== '' && name !== '.')
  if (names.length > deepestPath) {
    throw new LimitError(
      'ERR_INJECT_PATH_TOO_DEEP',
      `the ${what} ${display(path)} is ${names.length} directories deep`,
      {expected: deepestPath, found: names.length},
    )
  }
  if (names.includes('..')) throw unsafePath(`the ${what} ${display(path)} leads upwards`)
  if (names.some((name) => name.length > longestName)) {
    throw unsafePath(`the ${what} ${display(path)} holds a name of more than ${longestName} bytes`)
  }
  return names.join('/')
}

const slash = 0x2f
const dot = 0x2e

/** Whether a path is in its one form and breaks no rule. */
function isPlain(path: ByteString): boolean {
  let names = 0
  let start = 0
  for (let at = 0; at <= path.length; at++) {
    const code = at === path.length ? slash : path.charCodeAt(at)
    if (code === 0) return false
    if (code !== slash) continue
    const length = at - start
    if (length === 0 || length > longestName) return false
    if (path.charCodeAt(start) === dot) {
      if (length === 1 || (length === 2 && path.charCodeAt(start + 1) === dot)) return false
    }
    names++
    start = at + 1
  }
  return names <= deepestPath
}

function isBelow(path: ByteString, folder: ByteString): boolean {
  return folder === '' ? path !== '' : path.startsWith(folder) && path[folder.length] === '/'
}

function within(path: ByteString, prefix: ByteString): ByteString {
  return prefix === '' ? path : path.slice(prefix.length + 1)
}

function outside(path: ByteString, prefix: ByteString): UnsafeContentError {
  return new UnsafeContentError(
    'ERR_INJECT_OUTSIDE_PATH',
    `the layer holds ${display(path)}, which is not below the slot's path ${display(`/${prefix}`)}`,
  )
}
/**
 * The error for an entry that could only be written outside the directory, or through something
 * that is not what it was taken for.
 */
export function unsafePath(what: string): UnsafeContentError {
  return new UnsafeContentError('ERR_INJECT_UNSAFE_PATH', `refused to unpack: ${what}`)
}
