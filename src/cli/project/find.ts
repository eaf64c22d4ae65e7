import {lstatSync, readFileSync, type Stats, statSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {parseJsonValue} from '../../oci/json-value.js'

/** The file of a project, and the one that may hold the same as a member. */
export const [projectFile, packageFile] = ['inject.yaml', 'package.json'] as const
/** The member of package.json. */
export const packageMember = 'inject'
/** Bytes of a file that is looked at; what is larger is not a project file. */
export const longestFile = 1024 * 1024

/** Where the search begins, and a folder that it does not go beyond. */
export interface Search {
  readonly from: string
  readonly home: string
  /** What the user says of the file: `none`, or the path of another one. */
  readonly chosen?: string | undefined
}

/** A file that may hold a project's defaults. */
export interface FoundFile {
  readonly path: string
  /** The user named the file: then it does not matter who owns it. */
  readonly isChosen: boolean
}

/**
 * The nearest project file: in the working directory or above it, up to the top of the git
 * repository, and neither beyond the user's home nor on another file system. `undefined`: there is
 * none, or the user wants none.
 */
export function findProjectFile({from, home, chosen}: Search): FoundFile | undefined {
  if (chosen === 'none') return undefined
  if (chosen) return {path: chosen, isChosen: true}
  const start = statsOf(from)
  const top = statsOf(home)
  if (!start) return undefined
  for (let folder = from; ; folder = dirname(folder)) {
    const stats = folder === from ? start : statsOf(folder)
    if (stats?.dev !== start.dev) return undefined
    const isHome = isSame(stats, top)
    // a home is not a project, unless the user stands in it
    if (isHome && folder !== from) return undefined
    const path = fileIn(folder)
    if (path !== undefined) return {path, isChosen: false}
    const isTop = isHome || folder === dirname(folder) || isThere(join(folder, '.git'))
    if (isTop) return undefined
  }
}

function fileIn(folder: string): string | undefined {
  const own = join(folder, projectFile)
  if (isThere(own)) return own
  const shared = join(folder, packageFile)
  return holdsProject(shared) ? shared : undefined
}

/** Whether a package.json has the member. */
function holdsProject(path: string): boolean {
  const stats = statsOf(path)
  if (!stats?.isFile() || stats.size > longestFile) return false
  try {
    const text = readFileSync(path, 'utf8')
    // most have no such word in them, and need not be parsed
    if (!text.includes(`"${packageMember}"`)) return false
    const value = parseJsonValue(text)
    return typeof value === 'object' && value !== null && Object.hasOwn(value, packageMember)
  } catch {
    // what cannot be read, or is not JSON, is not a project file
    return false
  }
}

function isSame(one: Stats, other: Stats | undefined): boolean {
  return other !== undefined && one.dev === other.dev && one.ino === other.ino
}

/** Also for a link that leads nowhere: reading it says so. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, {throwIfNoEntry: false}) !== undefined
  } catch {
    return false
  }
}

function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path, {throwIfNoEntry: false})
  } catch {
    return undefined
  }
}
