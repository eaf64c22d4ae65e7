import {lstatSync, readlinkSync, statSync} from 'node:fs'
import {dirname, join, resolve} from 'node:path'

/**
 * Whether nobody but root and this user can decide what is in a folder, and what is found under its
 * name. Each folder on the way from the root must belong to one of them, and others must not be
 * able to write to it; where they can, as in /tmp, the sticky bit must keep them from replacing
 * what is ours. Links are followed where root made them. A folder that is not there yet is judged
 * by those above it, and must be judged again when it is. bin/run.js has a copy.
 */
export function isTrustedFolder(folder: string): boolean {
  const user = process.geteuid?.()
  if (user === undefined) return true
  try {
    return isTrustedWay(resolve(folder), user)
  } catch {
    return false
  }
}

function isTrustedWay(folder: string, user: number): boolean {
  const left = namesOf(folder)
  let [at, links] = ['/', 0]
  for (;;) {
    const stats = lstatSync(at, {throwIfNoEntry: false})
    if (stats === undefined) return true
    if (stats.uid !== 0 && stats.uid !== user) return false
    if (stats.isSymbolicLink()) {
      if (stats.uid !== 0 || ++links > mostLinks) return false
      const target = readlinkSync(at)
      left.push(...namesOf(target))
      at = target.startsWith('/') ? '/' : dirname(at)
      continue
    }
    const isOpen = (stats.mode & 0o022) !== 0
    if (!stats.isDirectory() || (isOpen && (stats.mode & 0o1000) === 0)) return false
    const name = left.pop()
    if (name === undefined) return !isOpen
    at = name === '..' ? dirname(at) : join(at, name)
  }
}

const mostLinks = 40

/** The last one first. */
function namesOf(path: string): string[] {
  return path
    .split('/')
    .filter((name) => name !== '' && name !== '.')
    .reverse()
}

/**
 * Whether a home is this user's own: root, by sudo, may have that of another one. bin/run.js has a
 * copy.
 */
export function isOwnHome(home: string): boolean {
  const user = process.geteuid?.()
  try {
    return user === undefined || statSync(home).uid === user
  } catch {
    return false
  }
}
