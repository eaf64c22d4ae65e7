import {NotFoundError, PreconditionError} from '../../errors.js'
import {type ByteString, display} from '../../layer/byte-string.js'
import type {ContentRecord} from '../../layer/records/record.js'
import type {OpenTree} from './open-tree.js'

/** The most links in a row, as in the kernel. */
const mostLinks = 40

/** A path in a tree. */
export interface FoundPath {
  /** Relative to the tree's root; `''` for the root itself. */
  readonly path: ByteString
  /** `undefined` for the root. */
  readonly record: ContentRecord | undefined
}

/**
 * What `path` leads to; symbolic links are followed within the image's root, as in a container.
 * Throws `NotFoundError` (`ERR_INJECT_PATH_NOT_FOUND`), also where a link of a slot leads out of
 * it, and `PreconditionError` (`ERR_INJECT_LINK_LOOP`) for links that lead in a circle.
 */
export function findPath(tree: OpenTree, path: ByteString): FoundPath {
  const root = tree.prefix === '' ? [] : tree.prefix.split('/')
  let left = [...root, ...path.split('/')]
  let done: ByteString[] = []
  let known = lookUp(tree, left)
  for (let links = 0; ;) {
    const name = left.shift()
    if (name === undefined) break
    if (name === '..') done.pop()
    if (name === '' || name === '.' || name === '..') continue
    const here = [...done, name]
    const record = recordAt(tree, here, known)
    if (record?.kind !== 'symlink') {
      const isThere = record ? isDirectory(record) || !left.some(isName) : isAtOrAbove(here, root)
      if (!isThere) throw notFound(tree, path, [...here, ...left.filter(isName)])
      done = here
      continue
    }
    if (++links > mostLinks) throw inACircle(path)
    const {target} = record
    if (target.startsWith('/')) done = []
    left = [...target.split('/'), ...left]
    known = lookUp(tree, [...done, ...left])
  }
  if (done.length < root.length) throw notFound(tree, path, done)
  return {path: done.slice(root.length).join('/'), record: recordAt(tree, done, known)}
}

function isName(name: ByteString): boolean {
  return name !== '' && name !== '.'
}

function isDirectory({kind}: ContentRecord): boolean {
  return kind === 'directory' || kind === 'implicit'
}

/** One pass for all prefixes of the path. */
function lookUp(
  tree: OpenTree,
  names: readonly ByteString[],
): ReadonlyMap<ByteString, ContentRecord> {
  const wanted = new Set<ByteString>()
  const way: ByteString[] = []
  for (const name of names) {
    if (name === '..') way.pop()
    else if (isName(name)) way.push(name)
    wanted.add(way.join('/'))
  }
  const found = new Map<ByteString, ContentRecord>()
  const start = tree.prefix === '' ? '' : `${tree.prefix}/`
  for (const record of tree.entries()) {
    const path = start + record.path
    if (wanted.has(path)) found.set(path, record)
  }
  return found
}

function recordAt(
  tree: OpenTree,
  names: readonly ByteString[],
  known: ReadonlyMap<ByteString, ContentRecord>,
): ContentRecord | undefined {
  const path = names.join('/')
  return path === tree.prefix ? undefined : known.get(path)
}

function isAtOrAbove(names: readonly ByteString[], root: readonly ByteString[]): boolean {
  return names.length <= root.length && names.every((name, at) => name === root[at])
}

function notFound(
  {reference, slot, prefix}: OpenTree,
  path: ByteString,
  names: readonly ByteString[],
): NotFoundError {
  const where = names.join('/')
  const place = display(`/${where}`)
  const isOutside = slot !== null && !`${where}/`.startsWith(prefix === '' ? '' : `${prefix}/`)
  return new NotFoundError(
    'ERR_INJECT_PATH_NOT_FOUND',
    isOutside
      ? `${display(path)} leads to ${place}, which is outside slot ${slot} of ${reference}`
      : `there is no ${display(path)} in ${slot === null ? '' : `slot ${slot} of `}${reference}${path === where || path === `/${where}` ? '' : `: it leads to ${place}`}`,
    {hint: slot === null ? 'inject ls lists the files' : 'use --all to search the whole image'},
  )
}

function inACircle(path: ByteString): PreconditionError {
  return new PreconditionError(
    'ERR_INJECT_LINK_LOOP',
    `${display(path)} leads through more than ${mostLinks} symbolic links`,
  )
}
