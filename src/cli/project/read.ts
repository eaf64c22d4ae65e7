import {closeSync, constants, fstatSync, lstatSync, openSync, readFileSync} from 'node:fs'
import {basename, relative} from 'node:path'
import {localIoError} from '../../disk/local-io-error.js'
import {LocalIoError, UnsafeContentError} from '../../errors.js'
import {quoted} from '../../oci/quoted.js'
import type {Item} from '../../yaml/item.js'
import {readYaml} from '../../yaml/read-yaml.js'
import {type FoundFile, longestFile, packageFile, packageMember} from './find.js'

/** What a project file holds, and how messages name the file. */
export interface ReadProject {
  readonly file: string
  readonly root: Item
}

/**
 * Reads a project file; of a package.json its member. A file that was found, and not named by the
 * user, must belong to this user or root, as git has it for repositories, and so must a link to it.
 * Throws `UnsafeContentError` (`ERR_INJECT_PROJECT_OWNER`), `LocalIoError` and `UsageError`
 * (`ERR_INJECT_PROJECT_INVALID`).
 */
export function readProject(found: FoundFile, from: string): ReadProject {
  const file = relative(from, found.path) || found.path
  const text = readText(found, file)
  const written = {name: file, invalid: 'ERR_INJECT_PROJECT_INVALID'} as const
  if (isEmpty(text)) {
    return {file, root: {kind: 'map', at: {file: written, line: 1, column: 1}, entries: new Map()}}
  }
  const root = readYaml(text, written)
  if (basename(found.path) !== packageFile || root.kind !== 'map') return {file, root}
  return {file, root: root.entries.get(packageMember)?.item ?? root}
}

/** Nothing but comments: YAML has no document then. */
function isEmpty(text: string): boolean {
  return text.split('\n').every((line) => /^\s*(?:#|$)/.test(line))
}

function readText({path, isChosen}: FoundFile, file: string): string {
  try {
    // a FIFO of that name must not keep us waiting
    const handle = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const stats = fstatSync(handle)
      if (!stats.isFile() || stats.size > longestFile) throw notSmall(file)
      // another user's link may lead to a file that only this user can read, and messages quote it
      const owners = isChosen ? [] : [stats.uid, lstatSync(path).uid]
      if (!owners.every(isTrustedOwner)) throw foreign(file)
      return readFileSync(handle, 'utf8')
    } finally {
      closeSync(handle)
    }
  } catch (error) {
    if (error instanceof LocalIoError || error instanceof UnsafeContentError) throw error
    throw localIoError(error, 'read', path)
  }
}

/** As git does, trusts this user, root and, under sudo, the user who ran sudo. */
function isTrustedOwner(owner: number): boolean {
  const user = process.geteuid?.()
  if (user === undefined || owner === 0 || owner === user) return true
  return user === 0 && String(owner) === process.env['SUDO_UID']
}

function foreign(file: string): UnsafeContentError {
  return new UnsafeContentError(
    'ERR_INJECT_PROJECT_OWNER',
    `the project file ${quoted(file)} belongs to another user`,
    {
      hint: 'read it, then set INJECT_PROJECT_FILE to its path to use it, or to none; --no-project-file ignores it',
    },
  )
}

function notSmall(file: string): LocalIoError {
  return new LocalIoError(
    'ERR_INJECT_LOCAL_IO',
    `the project file ${quoted(file)} is not a file of at most 1 MiB`,
    {hint: '--no-project-file ignores it'},
  )
}
