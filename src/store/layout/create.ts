import {chmod, mkdir, readdir, stat} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {writeFileAtomic} from '../../disk/atomic-file.js'
import {errnoOf, localIoError} from '../../disk/local-io-error.js'
import {withLock} from '../../disk/lock.js'
import {syncFolder} from '../../disk/temp-file.js'
import {IntegrityError, LocalIoError, NotFoundError, PreconditionError} from '../../errors.js'
import {quoted} from '../../oci/quoted.js'
import {readAll} from '../../stream/limit.js'
import {ifNoSuchPath, isAbsent} from '../../disk/error-answers.js'
import {readFileStream, statFile} from '../../disk/read-file.js'
import {layoutPaths, tempPrefix} from './paths.js'
import {emptyIndex} from './index-json.js'
import {checkMarker, markerLimit, soundMarker} from './marker.js'

/**
 * Makes sure that `directory` is an OCI image layout of version 1.0.0. Throws `NotFoundError`
 * (`ERR_INJECT_LAYOUT_NOT_FOUND`) when it is not there, and `IntegrityError`
 * (`ERR_INJECT_LAYOUT_INVALID`) when it is something else.
 */
export async function checkLayout(directory: string): Promise<void> {
  const marker = layoutPaths.marker(directory)
  const found = await statFile(marker).catch(async (error: unknown) => {
    throw (await isFile(directory)) ? itIsAFile(directory) : error
  })
  if (found === undefined) throw await notALayout(directory)
  const bytes = await readAll(readFileStream(marker), markerLimit, quoted(marker))
  checkMarker(bytes, quoted(marker), quoted(directory))
}

export interface CreateLayoutOptions {
  /** What else may be in the folder; nothing. */
  readonly beside?: ((name: string) => boolean) | undefined
  /** A folder that it is in and that must be there already. */
  readonly within?: string | undefined
}

/**
 * Makes an empty layout in `directory`, which may be there when nothing is in it. A layout that is
 * there already stays as it is. What makes it a layout is written last: killed on the way, it is
 * none yet, and the next call completes it. Throws `PreconditionError`
 * (`ERR_INJECT_LAYOUT_NOT_EMPTY`) for a folder with other things in it.
 */
export async function createLayout(
  directory: string,
  {beside, within}: CreateLayoutOptions = {},
): Promise<void> {
  if ((await statFile(layoutPaths.marker(directory))) !== undefined) return
  await makeFolder(directory, within)
  await refuseOtherContent(directory, beside)
  await withLock(layoutPaths.lock(directory), async ({confirm}) => {
    await makeFolder(layoutPaths.blobs(directory), directory)
    await makeFolder(join(layoutPaths.blobs(directory), 'sha256'), directory)
    const options = {mode: 0o644, prefix: tempPrefix, check: confirm}
    // another process may have made it, and put an image into it, while we waited
    const index = layoutPaths.index(directory)
    if ((await statFile(index)) === undefined) await writeFileAtomic(index, emptyIndex, options)
    const marker = layoutPaths.marker(directory)
    if ((await statFile(marker)) === undefined) await writeFileAtomic(marker, soundMarker, options)
  })
}

/**
 * Makes a folder that others (a web server) can read, whatever the umask says; one that is there
 * stays as it is. `within` is a folder above it that is not made: where that has vanished, nothing
 * comes into its place. Throws `LocalIoError`.
 */
export async function makeFolder(path: string, within?: string): Promise<void> {
  try {
    if (!(await makeEach(path, within))) return
    await chmod(path, 0o755)
    await syncFolder(dirname(path))
  } catch (error) {
    throw localIoError(error, 'make the directory', path)
  }
}

/**
 * `false` when it was there. Each folder is tried once again after the one above it, and no more:
 * Node's own recursion goes on for ever where a file system takes no folders and reports that there
 * is none, as /proc does.
 */
async function makeEach(path: string, within?: string): Promise<boolean> {
  try {
    await mkdir(path)
    return true
  } catch (error) {
    const code = errnoOf(error)
    const above = dirname(path)
    if (code === 'ENOENT' && above !== path && above !== within) {
      await makeEach(above, within)
      await mkdir(path).catch(async (again: unknown) => {
        // another process may have been faster
        if (!(await isFolder(path))) throw again
      })
      return true
    }
    if (await isFolder(path)) return false
    throw error
  }
}

async function isFolder(path: string): Promise<boolean> {
  const stats = await stat(path).catch(ifNoSuchPath(undefined))
  return stats?.isDirectory() === true
}

/**
 * For when a blob is not found: throws `LocalIoError` (`ERR_INJECT_LAYOUT_LOST`) where the folder
 * of blobs is missing, because then no blob's absence means anything. `name` is for messages.
 */
export async function refuseLostBlobs(directory: string, name: string): Promise<void> {
  const blobs = layoutPaths.blobs(directory)
  if (await isFolder(blobs)) return
  throw new LocalIoError('ERR_INJECT_LAYOUT_LOST', `${name} has lost its folder ${quoted(blobs)}`, {
    hint: 'mount it again, or restore it, and run again',
  })
}

async function notALayout(directory: string): Promise<Error> {
  try {
    await readdir(directory)
  } catch (error) {
    if (!isAbsent(error)) return localIoError(error, 'read', directory)
    const message = `there is no OCI image layout at ${quoted(directory)}: no such directory`
    const hint = directory.includes(':')
      ? 'of a directory whose name has a colon in it, write oci:DIR/ or oci:DIR/:TAG'
      : 'check the path; an image in a registry needs no oci: before it'
    return new NotFoundError('ERR_INJECT_LAYOUT_NOT_FOUND', message, {hint})
  }
  const message = `${quoted(directory)} is not an OCI image layout: it has no file oci-layout`
  const hint = 'check the path: oci:DIR names the folder that holds oci-layout and index.json'
  return new IntegrityError('ERR_INJECT_LAYOUT_INVALID', message, {expected: '1.0.0', hint})
}

async function isFile(path: string): Promise<boolean> {
  const stats = await stat(path).catch(ifNoSuchPath(undefined))
  return stats?.isFile() === true
}

function itIsAFile(path: string): Error {
  const message = `${quoted(path)} is a file, and an OCI image layout is a directory`
  return new LocalIoError('ERR_INJECT_LOCAL_IO', message, {
    hint: `for an archive use oci-archive:${path} or docker-archive:${path}`,
  })
}

async function refuseOtherContent(
  directory: string,
  beside: (name: string) => boolean = () => false,
): Promise<void> {
  const names = await readdir(directory).catch((error: unknown) => {
    throw localIoError(error, 'read', directory)
  })
  const own = ['blobs', 'index.json', 'oci-layout']
  const other = names.find(
    (name) => !own.includes(name) && !name.startsWith(tempPrefix) && !beside(name),
  )
  if (other === undefined) return
  const message = `cannot make an OCI image layout in ${quoted(directory)}: it holds other things (${quoted(other)})`
  throw new PreconditionError('ERR_INJECT_LAYOUT_NOT_EMPTY', message, {
    hint: 'name an empty or new directory',
  })
}
