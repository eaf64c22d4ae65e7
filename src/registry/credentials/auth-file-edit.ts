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
 * Replaces the text of a credential file by the result of `edit`. Only the user can read the file
 * (mode 0600, or less if it had less), and folders that are created for it. Another reader sees the
 * old text or the new one. A file that is missing, empty or `null` counts as `{}`. The target of a
 * symbolic link is edited, not the link. Of two processes that do this at once, one waits for the
 * other. An unchanged text is not written. Throws `LocalIoError`, and `AuthenticationError`
 * (`ERR_INJECT_AUTH_FILE_INVALID`) for an invalid file, which is left as it was.
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
      // the whole text is validated before any of it is edited
      parse(text, path)
      const mark = text.startsWith('\uFEFF') ? '\uFEFF' : ''
      const body = text.slice(mark.length)
      // with duplicate members it would be unclear which one to edit
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

/** The text of a credential file, which need not exist even if the user named it. */
export function readIfThere({path}: Pick<AuthFile, 'path'>): Promise<string | undefined> {
  return readAuthFile({path, named: false})
}

/** The target of a symbolic link, even if it does not exist yet. */
async function targetOf(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw localIoError(error, 'find', path)
  }
  const link = await lstat(path).catch(() => undefined)
  return link?.isSymbolicLink() ? resolve(dirname(path), await readlink(path)) : resolve(path)
}

/**
 * Keeps the file's owner: an administrator who logs in for another user must not take over that
 * user's file.
 */
async function keepOwner(
  path: string,
  before: {uid: number; gid: number} | undefined,
): Promise<void> {
  if (!before || before.uid === process.getuid?.()) return
  await chown(path, before.uid, before.gid).catch(() => chmod(path, 0o600))
}
