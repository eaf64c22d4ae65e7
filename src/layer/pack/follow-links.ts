import {UnsafeContentError} from '../../errors.js'
import {type ByteString, display, parentOf} from '../byte-string.js'
import type {Entry} from '../entry.js'
import type {WalkedEntry} from '../tree/walked-entry.js'
import {type BasePaths, withParents} from './base-directories.js'

/** The most links in a row, as in the kernel. */
const mostLinks = 40

/** Directories of a tree that lead through links of an image, and where they lead to in it. */
export type Followed = ReadonlyMap<ByteString, ByteString>

/**
 * Where the directories `wanted` are in an image, for those that lead through symbolic links of it;
 * targets stay inside the image's root, as in a container. `find` tells what the image has. Throws
 * `UnsafeContentError` (`ERR_INJECT_LINK_IN_THE_WAY`) for a link that leads in a circle or to the
 * image's root.
 */
export async function followLinks(
  wanted: ReadonlySet<ByteString>,
  find: (paths: ReadonlySet<ByteString>) => Promise<BasePaths>,
): Promise<{readonly paths: BasePaths; readonly followed: Followed}> {
  const asked = new Set(wanted)
  for (let round = 0; ; round++) {
    const paths = await find(asked)
    const followed = new Map<ByteString, ByteString>()
    for (const path of wanted) {
      const real = resolve(path, paths.links)
      if (real !== path) followed.set(path, real)
    }
    const added = [...withParents(followed.values())].filter((path) => !asked.has(path))
    if (added.length === 0 || round > mostLinks) return {paths, followed}
    for (const path of added) asked.add(path)
  }
}

/** The entries in the places that they have in the image. Throws for two of one place. */
export function* throughLinks(
  entries: Iterable<WalkedEntry>,
  followed: Followed,
  base: BasePaths['directories'],
): Generator<WalkedEntry> {
  const moved = new Map<ByteString, Entry['kind']>()
  const targets = new Set(followed.values())
  for (const walked of entries) {
    const {entry} = walked
    const path = placeOf(entry.path, followed, entry.kind === 'directory')
    const isMoved = path !== entry.path
    const isTarget = targets.has(path) || targets.has(parentOf(path))
    if (isMoved || isTarget) {
      const before = moved.get(path)
      if (before !== undefined && !(before === 'directory' && entry.kind === 'directory'))
        throw twice(entry.path, path)
      moved.set(path, entry.kind)
      // the image has it, or it has been made
      if (isMoved && entry.kind === 'directory' && (base.has(path) || before)) continue
    }
    yield isMoved || entry.kind === 'hardlink' ? placed(walked, path, followed) : walked
  }
}

function placed(walked: WalkedEntry, path: ByteString, followed: Followed): WalkedEntry {
  const {entry, alone} = walked
  const target = entry.kind === 'hardlink' && {target: placeOf(entry.target, followed, false)}
  return {
    ...walked,
    entry: {...entry, ...target, path},
    ...(alone && {alone: placed(alone, path, followed)}),
  }
}

function placeOf(path: ByteString, followed: Followed, isDirectory: boolean): ByteString {
  const own = isDirectory ? followed.get(path) : undefined
  if (own !== undefined) return own
  const parent = parentOf(path)
  const real = followed.get(parent)
  return real === undefined ? path : real + path.slice(parent.length)
}

function resolve(path: ByteString, links: BasePaths['links']): ByteString {
  let left = path.split('/')
  let done: string[] = []
  for (let count = 0; left.length > 0;) {
    const [name = '', ...rest] = left
    left = rest
    if (name === '..') done.pop()
    if (name === '' || name === '.' || name === '..') continue
    const here = [...done, name].join('/')
    const target = links.get(here)
    if (target === undefined) {
      done.push(name)
      continue
    }
    if (++count > mostLinks) throw inTheWay(path, 'in a circle')
    if (target.startsWith('/')) done = []
    left = [...target.split('/'), ...left]
  }
  if (done.length === 0) throw inTheWay(path, "to the image's root")
  return done.join('/')
}

function inTheWay(path: ByteString, where: string): UnsafeContentError {
  return new UnsafeContentError(
    'ERR_INJECT_LINK_IN_THE_WAY',
    `the image has symbolic links at ${display(`/${path}`)} that lead ${where}`,
    {hint: 'put the content somewhere else, with --path'},
  )
}

function twice(path: ByteString, place: ByteString): UnsafeContentError {
  return new UnsafeContentError(
    'ERR_INJECT_LINK_IN_THE_WAY',
    `${display(path)} is at ${display(`/${place}`)} in the image, through its symbolic links, where the directory has something too`,
    {hint: 'leave one of the two out'},
  )
}
