import {lstatSync, realpathSync, statSync, type BigIntStats} from 'node:fs'
import {PreconditionError, UsageError} from '../../errors.js'
import {localIoError} from '../../disk/local-io-error.js'
import {quoted} from '../../oci/quoted.js'
import {type ByteString, display, fromText} from '../byte-string.js'
import type {Entry} from '../entry.js'
import {describeFile} from '../tree/describe-file.js'
import {walkTree} from '../tree/walk-tree.js'
import type {WalkedEntry} from '../tree/walked-entry.js'
import type {EntryList} from './entry-list.js'

/** A file or directory, and where in the image it goes. */
export interface PlacedSource {
  readonly from: string
  /** Absolute. With a trailing slash it is a directory, whether or not it is there. */
  readonly to: string
}

export interface CopyRules {
  /** gitignore patterns, applied to directories after those of their `.injectignore`. */
  readonly exclude: readonly string[]
  readonly whiteouts?: boolean | undefined
  /** Called with what is left out. */
  readonly onWarning: (message: string) => void
}

/**
 * Adds a file or directory to a list as `cp -a` copies it into a root that holds what is in the
 * list so far: into `to` if that is a directory there, else as `to`. `DIR/.` is what is in DIR.
 * Symbolic links are copied as links; a link that an earlier source brought is never followed.
 * Throws `LocalIoError`, what `walk` throws, `UsageError` (`ERR_INJECT_DESTINATION_INVALID`) and
 * `PreconditionError` (`ERR_INJECT_SOURCES_CONFLICT`).
 */
export function copyInto(list: EntryList, {from, to}: PlacedSource, rules: CopyRules): void {
  const destination = cleanPath(to)
  const last = from.replace(/\/+$/, '').split('/').at(-1) ?? ''
  const isContents = last === '.' || last === '..' || last === ''
  const stat = statOf(from, isContents || from.endsWith('/'))
  const isThere = isDirectory(list, destination) || to.endsWith('/')
  if (isThere) enter(list, destination)
  else enter(list, destination.slice(0, Math.max(0, destination.lastIndexOf('/'))))
  const name = isThere && !isContents ? fromText(last) : ''
  const path = [destination, name].filter((part) => part !== '').join('/')
  if (stat.isDirectory()) {
    const directory = realpathSync(from)
    const {exclude, whiteouts, onWarning} = rules
    const tree = {directory, path: '/', exclude, whiteouts}
    const walked = walkTree({tree, onWarning}, 'metadata')
    if (path !== '') add(list, path, describe(directory, stat, rules))
    const prefix = path === '' ? '' : `${path}/`
    for (const each of walked) add(list, prefix + each.entry.path, below(each, prefix))
    return
  }
  add(list, path, describe(from, stat, rules))
}

function below(walked: WalkedEntry, prefix: ByteString): WalkedEntry {
  const {entry} = walked
  return entry.kind === 'hardlink'
    ? {...walked, entry: {...entry, target: prefix + entry.target}}
    : walked
}

function describe(path: string, stat: BigIntStats, {onWarning}: CopyRules): WalkedEntry {
  const access = fromText(path)
  return describeFile({stat, path: access, access}, {detail: 'metadata', onWarning})
}

function statOf(path: string, follows: boolean): BigIntStats {
  try {
    return follows ? statSync(path, {bigint: true}) : lstatSync(path, {bigint: true})
  } catch (error) {
    throw localIoError(error, 'read', path)
  }
}

/** Throws `UsageError` unless the path is absolute and stays in the image. */
function cleanPath(to: string): ByteString {
  const names = fromText(to).split('/')
  if (!to.startsWith('/') || names.includes('..') || to.includes('\0')) {
    throw new UsageError(
      'ERR_INJECT_DESTINATION_INVALID',
      `not a place in the image: ${quoted(to)}`,
      {hint: 'write an absolute path without "..", as in ./certs:/etc/ssl/'},
    )
  }
  return names.filter((name) => name !== '' && name !== '.').join('/')
}

function isDirectory(list: EntryList, path: ByteString): boolean {
  const kind = list.kindAt(path)
  return kind === 'directory' || kind === 'implied'
}

/** The folders down to a path, which no link may stand in for. */
function enter(list: EntryList, path: ByteString): void {
  for (let end = path.indexOf('/'); path !== ''; end = path.indexOf('/', end + 1)) {
    const folder = end < 0 ? path : path.slice(0, end)
    const kind = list.kindAt(folder)
    if (kind !== undefined && !isDirectory(list, folder))
      throw conflict(path, `an earlier source has ${nameOf(kind)} at ${display(`/${folder}`)}`)
    if (end < 0) break
  }
  list.imply(path)
}

function add(list: EntryList, path: ByteString, {entry, file, alone}: WalkedEntry): void {
  const before = list.kindAt(path)
  const kind = alone?.entry.kind ?? entry.kind
  const isFolder = before === 'directory' || before === 'implied'
  if (before !== undefined && isFolder !== (kind === 'directory'))
    throw conflict(path, `it is ${nameOf(kind)}, and an earlier source has ${nameOf(before)} there`)
  // cp would write through the link, wherever it leads
  if (before === 'symlink' && kind === 'file')
    throw conflict(path, 'an earlier source has a symbolic link there')
  if (entry.kind === 'hardlink') list.link(path, entry.target)
  else list.put(path, {...entry, path: ''}, file && {file: {path: file.path, stat: file.stat}})
}

function nameOf(kind: Entry['kind'] | 'implied'): string {
  if (kind === 'directory' || kind === 'implied') return 'a directory'
  return kind === 'symlink' ? 'a symbolic link' : 'a file'
}

function conflict(path: ByteString, why: string): PreconditionError {
  return new PreconditionError(
    'ERR_INJECT_SOURCES_CONFLICT',
    `cannot put anything at ${display(`/${path}`)}: ${why}`,
    {hint: 'give the sources other destinations, or another order'},
  )
}
