import {type BigIntStats, constants, readlinkSync} from 'node:fs'
import {localIoError} from '../../disk/local-io-error.js'
import {LocalIoError} from '../../errors.js'
import {type ByteString, display, readable, toPath} from '../byte-string.js'
import type {EntryMetadata} from '../entry.js'
import {stateOf} from './file-state.js'
import {applyModeRule, type ModeRule} from './mode-rule.js'
import type {WalkedEntry, WalkedFile, WalkDetail} from './walked-entry.js'
import {type Attributes, readXattrs} from './xattrs/read-xattrs.js'

export interface DescribeOptions {
  /** Default: `metadata`. */
  readonly detail?: WalkDetail | undefined
  /** The owner of every entry instead of the file's own. */
  readonly owner?: {readonly uid: number; readonly gid: number} | undefined
  /** Changes the mode of every entry but symbolic links, which have none of their own. */
  readonly chmod?: ModeRule | undefined
  /** No mtime is later than this (seconds since the epoch). */
  readonly clampMtime?: number | undefined
  /** Called with what is left out: sockets, attributes that cannot be read. */
  readonly onWarning?: ((message: string) => void) | undefined
}

/** What a date can hold, in seconds; file systems can hold more. */
const latestTime = 8.64e12

/** What the walk has found. */
export interface FoundFile {
  readonly stat: BigIntStats
  /** Its place in the layer. */
  readonly path: ByteString
  /** The path that the kernel opens. */
  readonly access: ByteString
  /** Of a regular file only. */
  readonly descriptor?: WalkedFile['descriptor']
  /** If they have been read already. */
  readonly attributes?: Attributes | undefined
}

/**
 * The entry of a file, without regard to other names that it may have. Throws `LocalIoError` for
 * what a layer cannot hold, and for what cannot be read of it.
 */
export function describeFile(found: FoundFile, options: DescribeOptions): WalkedEntry {
  const {stat, access} = found
  const type = Number(stat.mode) & constants.S_IFMT
  const common = metadataOf(found, type, options)
  if (type === constants.S_IFREG) {
    const {path, mode, uid, gid, mtime, xattrs} = common
    return {
      // written out: most entries are files, and to spread it takes longer
      entry: {kind: 'file', size: Number(stat.size), path, mode, uid, gid, mtime, xattrs},
      // no more than is needed where entries are kept
      file:
        options.detail === 'content'
          ? {path: toPath(access), stat, descriptor: found.descriptor}
          : {path: toPath(access), stat: stateOf(stat)},
    }
  }
  const state = options.detail === 'states' ? {state: stateOf(stat)} : undefined
  if (type === constants.S_IFDIR) return {entry: {kind: 'directory', ...common}, ...state}
  if (type === constants.S_IFLNK)
    return {entry: {kind: 'symlink', target: readTarget(access, common.path), ...common}, ...state}
  if (type === constants.S_IFIFO) return {entry: {kind: 'fifo', ...common}}
  if (type === constants.S_IFCHR || type === constants.S_IFBLK) {
    const kind = type === constants.S_IFBLK ? 'block-device' : 'character-device'
    options.onWarning?.(
      `${display(common.path)} is a device: unpacking it takes root and --devices`,
    )
    return {entry: {kind, ...deviceNumber(stat.rdev), ...common}}
  }
  throw new LocalIoError(
    'ERR_INJECT_UNKNOWN_FILE_TYPE',
    `${display(common.path)} is of a kind that a layer cannot hold`,
  )
}

/** `type` is that of the mode (`S_IFMT`), also in the other functions. */
function metadataOf(
  {stat, path, access, attributes}: FoundFile,
  type: number,
  options: DescribeOptions,
): EntryMetadata {
  const {owner, chmod, clampMtime = latestTime, onWarning} = options
  const own = Number(stat.mode) & 0o7777
  const isRuled = chmod !== undefined && type !== constants.S_IFLNK
  return {
    path,
    mode: isRuled ? applyModeRule(chmod, own, type === constants.S_IFDIR) : own,
    uid: owner?.uid ?? Number(stat.uid),
    gid: owner?.gid ?? Number(stat.gid),
    mtime: Math.max(-latestTime, Math.min(secondsOf(stat), clampMtime, latestTime)),
    xattrs:
      attributes || !readsAttributes(options, type)
        ? attributes?.portable
        : readXattrs(access, onWarning),
  }
}

/** The modification time in whole seconds, rounded down. */
function secondsOf({mtimeMs, mtimeNs}: BigIntStats): number {
  // exact: milliseconds are rounded to zero, and those of the latest time fit into a number
  if (mtimeMs > 0n) return Math.floor(Number(mtimeMs) / 1000)
  return Number(mtimeNs >= 0n ? 0n : (mtimeNs - 999_999_999n) / 1_000_000_000n)
}

/** Whether an entry of this detail has the extended attributes. */
export function readsAttributes({detail}: DescribeOptions, type: number): boolean {
  if (detail === 'names' || detail === 'directories') return false
  return detail !== 'states' || type !== constants.S_IFREG
}

function readTarget(access: ByteString, path: ByteString): ByteString {
  try {
    return readlinkSync(toPath(access), {encoding: 'latin1'})
  } catch (error) {
    throw localIoError(error, 'read symlink', readable(path))
  }
}

/** glibc's `major` and `minor`: the two numbers interleaved in 64 bits. */
function deviceNumber(rdev: bigint): {major: number; minor: number} {
  return {
    major: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xffff_f000n)),
    minor: Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffff_ff00n)),
  }
}
