import {
  chmodSync,
  closeSync,
  constants,
  type Dirent,
  existsSync,
  fchmodSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs'
import {setImmediate as turn} from 'node:timers/promises'
import {errnoOf} from '../disk/local-io-error.js'
import {LocalIoError} from '../errors.js'
import {type ByteString, display, toPath} from './byte-string.js'
import {mountBelow} from './refill-reason.js'

const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
/** Linux's O_PATH, which Node does not name: opens what may not be read. */
const pathOnly = 0o10000000

/** How many files are removed before anything else has its turn. */
const atATime = 500

/** Where a directory is: `mount` tells a bind mount, too, where the system says it. */
interface Place {
  readonly dev: number
  readonly mount: string | undefined
}

/** A directory that is being emptied. */
interface Level {
  readonly name: ByteString
  readonly ino: number
  /** What is still in it. */
  readonly content: Dirent[]
}

/**
 * Removes a file, or a directory with all that is in it; nothing there is fine. Unlike `fs.rm` it goes through open directories, so that
 * neither somebody who swaps a directory for a symlink meanwhile nor paths beyond PATH_MAX lead it astray, and it removes what is in
 * directories of ours that lack the rights for it. However deep it goes, it holds two directories open at most. It never enters what is
 * mounted there (`PreconditionError`). Other errors are the system's own.
 */
export async function removeDeep(path: ByteString): Promise<void> {
  const found = lstatSync(toPath(path), {throwIfNoEntry: false})
  if (found?.isDirectory() === true) await removeFolder(path)
  else if (found !== undefined) unlinkSync(toPath(path))
}

async function removeFolder(top: ByteString): Promise<void> {
  const around = placeOf(top.slice(0, top.lastIndexOf('/')) || '/')
  const levels: Level[] = []
  let descriptor: number | undefined
  /** How the kernel is told of the directory that is held open; `undefined` where there is no such way. */
  let link: ByteString | undefined
  try {
    enter(top, top)
    for (let count = 1; levels.length > 0; count++) {
      removeNext()
      if (count % atATime === 0) await turn()
    }
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }

  function removeNext(): void {
    const entry = levels.at(-1)?.content.pop()
    if (entry === undefined) leave()
    else if (entry.isDirectory()) enter(`${here()}/${entry.name}`, entry.name)
    else unlinkSync(toPath(`${here()}/${entry.name}`))
  }

  /** Removes it at once when it is empty, which needs no rights in it. */
  function enter(at: ByteString, name: ByteString): void {
    const opened = openFolder(at)
    try {
      const {dev, ino} = fstatSync(opened)
      if (dev !== around.dev) throw mountBelow(named(name))
      const content = contentOf(opened, at)
      if (content.length > 0) {
        const mount = mountOf(opened)
        if (around.mount !== undefined && mount !== undefined && mount !== around.mount) {
          throw mountBelow(named(name))
        }
        fchmodSync(opened, 0o700)
        levels.push({name, ino, content})
        hold(opened)
        return
      }
    } catch (error) {
      closeSync(opened)
      throw error
    }
    closeSync(opened)
    rmdirSync(toPath(at))
  }

  /** Back up by `..` and not by a descriptor for each level, of which there may be more than the system gives. */
  function leave(): void {
    const folder = here()
    const emptied = levels.pop()
    const above = levels.at(-1)
    if (emptied === undefined) return
    if (above === undefined) {
      rmdirSync(toPath(top))
      return
    }
    const opened = openSync(toPath(`${folder}/..`), directoryFlags)
    hold(opened)
    const {dev, ino} = fstatSync(opened)
    if (dev !== around.dev || ino !== above.ino) throw moved(named(emptied.name))
    rmdirSync(toPath(`${here()}/${emptied.name}`))
  }

  function hold(opened: number): void {
    if (descriptor !== undefined) closeSync(descriptor)
    descriptor = opened
    link = procLink(opened)
  }

  function here(): ByteString {
    return link ?? levels.map(({name}) => name).join('/')
  }

  function named(name: ByteString): ByteString {
    return [...levels.map((level) => level.name), name].join('/')
  }
}

function contentOf(descriptor: number, path: ByteString): Dirent[] {
  const folder = toPath(procLink(descriptor) ?? path)
  return readdirSync(folder, {withFileTypes: true, encoding: 'latin1'})
}

let hasLinks: boolean | undefined

/** `undefined` where the system has no such thing. */
function procLink(descriptor: number): ByteString | undefined {
  const link = `/proc/self/fd/${descriptor}`
  hasLinks ??= existsSync(link)
  return hasLinks ? link : undefined
}

function openFolder(path: ByteString): number {
  try {
    return openSync(toPath(path), directoryFlags)
  } catch (error) {
    if (errnoOf(error) !== 'EACCES') throw error
    chmodSync(toPath(path), 0o700)
    return openSync(toPath(path), directoryFlags)
  }
}

function placeOf(folder: ByteString): Place {
  if (process.platform !== 'linux') return {dev: lstatSync(toPath(folder)).dev, mount: undefined}
  const descriptor = openSync(toPath(folder), pathOnly | constants.O_DIRECTORY)
  try {
    return {dev: fstatSync(descriptor).dev, mount: mountOf(descriptor)}
  } finally {
    closeSync(descriptor)
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
