import {chmod, chown, lstat, mkdir, readlink, realpath, stat} from 'node:fs/promises'
import {basename, dirname, join, resolve} from 'node:path'
import {writeFileAtomic} from '../../disk/atomic-file.js'
import {errnoOf, localIoError} from '../../disk/local-io-error.js'
import {withLock} from '../../disk/lock.js'
import {clearDead} from '../../disk/owned-name.js'
import {parseDocument} from '../../oci/json.js'
import {freeForm} from '../../oci/known-members.js'
import {quoted} from '../../oci/quoted.js'
import type {CallOptions} from '../../store/content-store.js'
import {isBlank, parse} from './auth-file.js'
import {type AuthFile, readAuthFile} from './auth-file-places.js'

/** Indented as docker does it. */
const emptyFile = '{\n\t"auths": {}\n}\n'

/**
 * Writes a file of credentials anew with what `edit` makes of its text, for the user alone (mode
 * 0600, or less where it had less). Another reader finds the old text or the new one. A file that
 * is missing, empty or `null` begins empty, and folders that are made for it are the user's alone,
 * too; what a symbolic link names is edited, not the link. Of two processes that do this at once,
 * one waits for the other. The same text is not written. Throws `LocalIoError`, and
 * `AuthenticationError` (`ERR_INJECT_AUTH_FILE_INVALID`) for a file that is not valid; then it is
 * what it was.
 */
export async function editAuthFile(
  path: string,
  edit: (text: string) => string,
  {signal}: CallOptions,
): Promise<void> {
  const target = await targetOf(path)
  const folder = dirname(target)
  try {
    await mkdir(folder, {recursive: true, mode: 0o700})
  } catch (error) {
    throw localIoError(error, 'create the folder', folder)
  }
  const prefix = `.${basename(target)}.inject-`
  await withLock(
    join(folder, `${prefix}lock`),
    async ({confirm}) => {
      await clearDead(folder, prefix)
      const before = await stat(target).catch(() => undefined)
      const found = (await readAuthFile({path: target, named: false})) ?? ''
      const text = isBlank(found) ? emptyFile : found
      // the whole text is looked at before any of it is edited
      parse(text, path)
      const mark = text.startsWith('\uFEFF') ? '\uFEFF' : ''
      const body = text.slice(mark.length)
      // of two members of one name, which one would be edited?
      parseDocument(Buffer.from(body), `the file of credentials ${quoted(path)}`, freeForm)
      const next = mark + edit(body)
      if (next === found) return
      const mode = before ? before.mode & 0o600 : 0o600
      await writeFileAtomic(target, next, {mode, prefix, check: confirm})
      await keepOwner(target, before)
    },
    {signal},
  )
}

/** The text of a file of credentials that need not be there, whoever named it. */
export function readIfThere({path}: Pick<AuthFile, 'path'>): Promise<string | undefined> {
  return readAuthFile({path, named: false})
}

/** What a symbolic link leads to, also where that is not there yet. */
async function targetOf(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw localIoError(error, 'find', path)
  }
  const link = await lstat(path).catch(() => undefined)
  return link?.isSymbolicLink() ? resolve(dirname(path), await readlink(path)) : resolve(path)
}

/** An administrator who logs in for somebody else must not take his file from him. */
async function keepOwner(
  path: string,
  before: {uid: number; gid: number} | undefined,
): Promise<void> {
  if (!before || before.uid === process.getuid?.()) return
  await chown(path, before.uid, before.gid).catch(() => chmod(path, 0o600))
}
