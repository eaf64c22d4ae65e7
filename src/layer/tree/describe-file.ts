import {type BigIntStats, readlinkSync} from 'node:fs'
import {localIoError} from '../../disk/local-io-error.js'
import {LocalIoError} from '../../errors.js'
import {type ByteString, display, readable, toPath} from '../byte-string.js'
import type {EntryMetadata} from '../entry.js'
import {stateOf} from './file-state.js'
import {applyModeRule, type ModeRule} from './mode-rule.js'
import type {WalkedEntry, WalkedFile, WalkDetail} from './walked-entry.js'
import {readXattrs} from './read-xattrs.js'

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
  readonly opened?: WalkedFile['opened'] | undefined
}

/**
 * The entry of a file, without regard to other names that it may have. Throws `LocalIoError` for
 * what a layer cannot hold, and for what cannot be read of it.
 */
export function describeFile(found: FoundFile, options: DescribeOptions): WalkedEntry {
  const {stat, access, opened} = found
  const common = metadataOf(found, options)
  const state = options.detail === 'states' ? {state: stateOf(stat)} : undefined
  if (stat.isDirectory()) return {entry: {kind: 'directory', ...common}, ...state}
  if (stat.isFile()) {
    const {path, mode, uid, gid, mtime, xattrs} = common
    const file = {path: toPath(access), stat: stateOf(stat)}
    return {
      // written out: most entries are files, and to spread it takes longer
      entry: {kind: 'file', size: Number(stat.size), path, mode, uid, gid, mtime, xattrs},
      file: opened ? {...file, opened} : file,
    }
  }
  if (stat.isSymbolicLink())
    return {entry: {kind: 'symlink', target: readTarget(access, common.path), ...common}, ...state}
  if (stat.isFIFO()) return {entry: {kind: 'fifo', ...common}}
  if (stat.isCharacterDevice() || stat.isBlockDevice()) {
    const kind = stat.isBlockDevice() ? 'block-device' : 'character-device'
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

function metadataOf(
  {stat, path, access}: FoundFile,
  {owner, chmod, clampMtime = latestTime, detail, onWarning}: DescribeOptions,
): EntryMetadata {
  const mtime = Number(
    stat.mtimeNs >= 0n
      ? stat.mtimeNs / 1_000_000_000n
      : (stat.mtimeNs - 999_999_999n) / 1_000_000_000n,
  )
  return {
    path,
    mode: modeOf(stat, chmod),
    uid: owner?.uid ?? Number(stat.uid),
    gid: owner?.gid ?? Number(stat.gid),
    mtime: Math.max(-latestTime, Math.min(mtime, clampMtime, latestTime)),
    xattrs: readsXattrs(stat, detail) ? readXattrs(access, onWarning) : undefined,
  }
}

function readsXattrs(stat: BigIntStats, detail: WalkDetail | undefined): boolean {
  if (detail === 'names' || detail === 'directories') return false
  return detail !== 'states' || !stat.isFile()
}

function modeOf(stat: BigIntStats, chmod: ModeRule | undefined): number {
  const mode = Number(stat.mode & 0o7777n)
  return chmod && !stat.isSymbolicLink() ? applyModeRule(chmod, mode, stat.isDirectory()) : mode
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
