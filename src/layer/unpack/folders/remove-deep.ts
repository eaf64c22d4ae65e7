import {readFileSync} from 'node:fs'
import {setImmediate as turn} from 'node:timers/promises'
import {errnoOf} from '../../../disk/local-io-error.js'
import {LocalIoError} from '../../../errors.js'
import {type ByteString, display} from '../../byte-string.js'
import {type Identity, isSameInode, type OpenFolder, pathOf} from './open-folder.js'
import {hasMounts, mountBelow} from './mounts.js'

/** How many files are removed before anything else has its turn. */
const atATime = 500

/** How many levels, from the top, leave the folder open that they are in. */
const mostOpen = 16

/** The type of what `entries` gives. */
type FolderEntry = ReturnType<OpenFolder['entries']>[number]

/** A directory that is being emptied. */
interface Level {
  readonly name: ByteString
  readonly ino: number
  /** What is still in it. */
  readonly content: FolderEntry[]
  /** The folder that it is in; `undefined` further down, where that is reached by `..`. */
  readonly above: OpenFolder | undefined
}

/**
 * Removes what has the name in `around`: a file, or a directory with all that is in it; nothing
 * there is fine. It goes through open directories, so that neither somebody who swaps a directory
 * for a symlink meanwhile nor paths beyond PATH_MAX lead it astray, and it removes what is in
 * directories of ours that lack the rights for it. However deep it goes, it holds some twenty
 * directories open at most. It never enters what is mounted there (`PreconditionError`), nor, if
 * `known` is given, a directory that is another one. Other errors are the system's own.
 */
export async function removeIn(
  around: OpenFolder,
  name: ByteString,
  known?: Identity,
): Promise<void> {
  const found = around.find(name)
  if (known && found && !isSameInode(found, known)) throw moved(name)
  if (found?.isDirectory() === true) await removeFolder(around, name, found)
  else if (found !== undefined) around.unlink(name)
}

async function removeFolder(around: OpenFolder, top: ByteString, known: Identity): Promise<void> {
  const {dev} = around.stat()
  const place = pathOf(around)
  let aroundMount = mountAround()
  const levels: Level[] = []
  let here = around
  /** Whether the directory before was empty: the next one is tried to be one, too. */
  let areEmpty = false
  try {
    enter(top)
    for (let count = 1; levels.length > 0; count++) {
      removeNext()
      if (count % atATime !== 0) continue
      await turn()
      aroundMount = mountAround()
    }
  } finally {
    if (here !== around) here.close()
    for (const {above} of levels) if (above !== around) above?.close()
  }

  /**
   * To ask where each directory is mounted takes a fifth of the time of removing it, so it is done
   * only if there are mounts in the top one, as of a moment ago.
   */
  function mountAround(): string | undefined {
    if (place !== undefined && !hasMounts(`${place}/${top}`)) return undefined
    return mountOf(around.descriptor)
  }

  function removeNext(): void {
    const entry = levels.at(-1)?.content.pop()
    if (entry === undefined) leave()
    else if (entry.isDirectory()) enter(entry.name)
    else here.unlink(entry.name)
  }

  function enter(name: ByteString): void {
    if (areEmpty && levels.length > 0 && removeIfEmpty(name)) return
    const opened = here.open(name)
    try {
      const stat = opened.stat()
      if (levels.length === 0 && !isSameInode(stat, known)) throw moved(named(name))
      if (stat.dev !== dev) throw mountBelow(named(name))
      const content = contentOf(opened)
      areEmpty = content.length === 0
      if (content.length > 0) {
        const mount = aroundMount === undefined ? undefined : mountOf(opened.descriptor)
        if (mount !== undefined && mount !== aroundMount) throw mountBelow(named(name))
        if ((stat.mode & 0o700) !== 0o700) opened.chmod(0o700)
        const isKept = levels.length < mostOpen
        levels.push({name, ino: stat.ino, content, above: isKept ? here : undefined})
        if (!isKept) here.close()
        here = opened
        return
      }
    } catch (error) {
      opened.close()
      // to remove an empty one takes no rights in it
      if (levels.length > 0 && removeIfEmpty(name)) return
      throw error
    }
    opened.close()
    here.removeFolder(name)
  }

  /**
   * Where many directories are empty, opening each takes five times as long; where they are not, an
   * error for each takes a tenth of the time of removing what is in it.
   */
  function removeIfEmpty(name: ByteString): boolean {
    try {
      here.removeFolder(name)
      return true
    } catch {
      // not empty, or a mount point: the general way handles it
      return false
    }
  }

  function leave(): void {
    const emptied = levels.pop()
    if (emptied === undefined) return
    const above = emptied.above ?? openAbove(emptied)
    here.close()
    here = above
    try {
      here.removeFolder(emptied.name)
    } catch (error) {
      throw errnoOf(error) === 'ENOENT' ? moved(named(emptied.name)) : error
    }
  }

  /** There may be more levels than the system gives descriptors for. */
  function openAbove({name}: Level): OpenFolder {
    const above = here.open('..')
    const stat = above.stat()
    if (stat.dev === dev && stat.ino === levels.at(-1)?.ino) return above
    above.close()
    throw moved(named(name))
  }

  function named(name: ByteString): ByteString {
    const names = [...levels.map((level) => level.name), name]
    return (place === undefined ? names : [place, ...names]).join('/')
  }
}

/** Gives itself the rights to look into a directory of ours. */
function contentOf(folder: OpenFolder): FolderEntry[] {
  try {
    return folder.entries()
  } catch (error) {
    if (errnoOf(error) !== 'EACCES') throw error
    folder.chmod(0o700)
    return folder.entries()
  }
}

/** https://man7.org/linux/man-pages/man5/proc_pid_fdinfo.5.html */
function mountOf(descriptor: number): string | undefined {
  try {
    const text = readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1')
    return /^mnt_id:\s*(\d+)$/m.exec(text)?.[1]
  } catch {
    return undefined
  }
}

function moved(path: ByteString): LocalIoError {
  return new LocalIoError(
    'ERR_INJECT_DIRECTORY_CHANGED',
    `somebody moved ${display(path)} while it was removed`,
  )
}
