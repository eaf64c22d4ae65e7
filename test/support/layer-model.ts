import {lstatSync, readdirSync, readFileSync, readlinkSync} from 'node:fs'
import {gzipSync} from 'node:zlib'
import fc from 'fast-check'
import {digestOf} from '../../src/oci/digest.js'
import {layerMediaType} from '../../src/oci/media-type.js'
import type {PutLayer} from './put-image.js'
import {archive, member} from './tar-fixtures.js'

/** One entry of a layer that a property makes up. */
export interface ModelEntry {
  readonly kind: 'file' | 'directory' | 'symlink' | 'hardlink' | 'whiteout' | 'opaque'
  readonly path: string
  readonly content: string
  readonly target: string
  readonly mode: number
  readonly uid: number
  readonly mtime: number
}

/** What a tree has at a path. Files with one `inode` are names of one file. */
export interface ModelNode {
  readonly kind: 'file' | 'directory' | 'symlink'
  readonly content: string
  readonly mode: number
  readonly uid: number
  readonly mtime: number
  readonly inode: string | number
}

export type ModelTree = ReadonlyMap<string, ModelNode>

interface Step {
  readonly kind: ModelEntry['kind']
  readonly names: readonly string[]
  readonly pick: number
  readonly content: string
  readonly mode: number
  readonly uid: number
  readonly mtime: number
}

const step = fc.record({
  kind: fc.constantFrom<ModelEntry['kind'][]>(
    'file',
    'file',
    'file',
    'directory',
    'symlink',
    'hardlink',
    'whiteout',
    'opaque',
  ),
  names: fc.array(fc.constantFrom('a', 'b', 'c', 'a-b', 'ä'), {minLength: 1, maxLength: 3}),
  pick: fc.nat(),
  content: fc.constantFrom('', 'x', 'y', 'z'.repeat(600)),
  mode: fc.constantFrom(0o644, 0o755, 0o4755),
  uid: fc.constantFrom(0, 1000),
  mtime: fc.constantFrom(1_000_000_000, 1_100_000_000),
})

/** Steps to layers: what of them is possible is done, so that every engine takes the result. */
export const layerSteps = fc.array(fc.array(step, {maxLength: 8}), {minLength: 1, maxLength: 4})

/** The layers that steps come to, and the tree of all of them. */
export function layersOf(
  steps: readonly (readonly Step[])[],
  below: ModelTree = new Map(),
  depth = 0,
): {readonly layers: readonly (readonly ModelEntry[])[]; readonly tree: ModelTree} {
  let tree = below
  const layers = steps.map((each, number) => {
    const made = layerOf(each, tree, depth + number)
    tree = made.tree
    return made.entries
  })
  return {layers, tree}
}

function layerOf(steps: readonly Step[], below: ModelTree, number: number) {
  const tree = new Map(below)
  const own = new Map<string, ModelEntry>()
  const deleted: ModelEntry[] = []
  for (const {kind, names, pick, ...rest} of steps) {
    const path = names.join('/')
    const parents = names.slice(1).map((_, at) => names.slice(0, at + 1).join('/'))
    const entry: ModelEntry = {kind, path, target: '', ...rest}
    const isOpen = parents.every(
      (parent) => (tree.get(parent) ?? {kind: 'directory'}).kind === 'directory',
    )
    if (!isOpen) continue
    if (kind === 'whiteout') {
      const isTouched = [...own.keys()].some(
        (other) => other === path || other.startsWith(`${path}/`),
      )
      const isMarked = deleted.some(
        (each) => each.path === path || each.path.startsWith(`${path}/`),
      )
      if (isTouched || isMarked || !tree.has(path)) continue
      removeFrom(tree, path)
      deleted.push(entry)
      continue
    }
    if (deleted.some((each) => path === each.path || path.startsWith(`${each.path}/`))) continue
    if (kind === 'opaque') {
      const isTouched = [...own.keys()].some((other) => other.startsWith(`${path}/`))
      if (isTouched || tree.get(path)?.kind !== 'directory') continue
      // marks come first in a layer, before the directories that it makes
      if (below.get(path)?.kind !== 'directory') continue
      for (const other of [...tree.keys()]) if (other.startsWith(`${path}/`)) tree.delete(other)
      deleted.push(entry)
      continue
    }
    const files = [...own.values()].filter((each) => each.kind === 'file' && each.path < path)
    const target =
      kind === 'hardlink' ? files[pick % Math.max(1, files.length)]?.path : `../${names[0] ?? ''}`
    if (target === undefined || own.has(path)) continue
    if (kind !== 'directory' && [...own.keys()].some((other) => other.startsWith(`${path}/`)))
      continue
    for (const parent of parents) {
      if (tree.has(parent)) continue
      const folder = {...entry, kind: 'directory', path: parent, mode: 0o755} as const
      own.set(parent, folder)
      tree.set(parent, nodeOf(folder, tree, number))
    }
    const made = {...entry, target}
    if (kind !== 'directory' || tree.get(path)?.kind !== 'directory') removeFrom(tree, path)
    own.set(path, made)
    tree.set(path, nodeOf(made, tree, number))
  }
  const entries = [...deleted, ...[...own.values()].sort((a, b) => (a.path < b.path ? -1 : 1))]
  return {entries, tree}
}

function removeFrom(tree: Map<string, ModelNode>, path: string): void {
  for (const other of [...tree.keys()])
    if (other === path || other.startsWith(`${path}/`)) tree.delete(other)
}

function nodeOf(
  {kind, path, content, target, mode, uid, mtime}: ModelEntry,
  tree: ModelTree,
  layer: number,
): ModelNode {
  const linked = kind === 'hardlink' ? tree.get(target) : undefined
  if (linked) return linked
  const inode = `${layer}:${path}`
  if (kind === 'directory') return {kind, content: '', mode, uid, mtime, inode}
  if (kind === 'symlink') return {kind, content: target, mode: 0, uid, mtime, inode}
  return {kind: 'file', content, mode, uid, mtime, inode}
}

/** The tar of a layer, as a layer to put into an image. */
export function putLayerOf(entries: readonly ModelEntry[]): PutLayer {
  const blob = archive(...entries.map(memberOf))
  return {blob, mediaType: layerMediaType('oci', 'none'), diffId: digestOf(blob)}
}

/** The same, compressed. */
export function putGzipLayerOf(entries: readonly ModelEntry[]): PutLayer {
  const {blob = Buffer.alloc(0), diffId} = putLayerOf(entries)
  return {blob: gzipSync(blob), mediaType: layerMediaType('oci', 'gzip'), ...(diffId && {diffId})}
}

function memberOf({kind, path, content, target, mode, uid, mtime}: ModelEntry): Buffer {
  const common = {mode, uid, mtime}
  const slash = path.lastIndexOf('/') + 1
  switch (kind) {
    case 'directory':
      return member({name: `${path}/`, type: '5', ...common})
    case 'symlink':
      return member({name: path, type: '2', link: target, ...common})
    case 'hardlink':
      return member({name: path, type: '1', link: target, ...common})
    case 'whiteout':
      return member({name: `${path.slice(0, slash)}.wh.${path.slice(slash)}`, ...common})
    case 'opaque':
      return member({name: `${path}/.wh..wh..opq`, ...common})
    default:
      return member({name: path, content, ...common})
  }
}

/** A tree on disk, apart from its own directory. */
export function readTree(root: string): ModelTree {
  const tree = new Map<string, ModelNode>()
  visit('')
  return tree

  function visit(path: string): void {
    for (const name of readdirSync(`${root}/${path}`).sort()) {
      const child = path === '' ? name : `${path}/${name}`
      const stat = lstatSync(`${root}/${child}`)
      const mtime = Math.floor(stat.mtimeMs / 1000)
      const common = {mode: stat.mode & 0o7777, uid: stat.uid, mtime, inode: stat.ino}
      if (stat.isDirectory()) {
        tree.set(child, {kind: 'directory', content: '', ...common})
        visit(child)
      } else if (stat.isSymbolicLink()) {
        tree.set(child, {
          kind: 'symlink',
          content: readlinkSync(`${root}/${child}`),
          ...common,
          mode: 0,
        })
      } else {
        const content = readFileSync(`${root}/${child}`, 'latin1')
        tree.set(child, {kind: 'file', content, ...common})
      }
    }
  }
}

/** The order of a tree: a slash before all else. */
export function inTreeOrder(paths: Iterable<string>): string[] {
  const key = (path: string): string => Buffer.from(path).toString('latin1').replaceAll('/', '\0')
  return [...paths].sort((a, b) => (key(a) < key(b) ? -1 : 1))
}

/** What differs between two trees, one text for each path. */
export function differencesOf(
  first: ModelTree,
  second: ModelTree,
  ignored: readonly string[] = [],
): string[] {
  const partners = new Map<string, ModelNode['inode']>()
  return inTreeOrder(new Set([...first.keys(), ...second.keys()])).flatMap((path) => {
    const [before, after] = [first.get(path), second.get(path)]
    if (!before || !after) return [`${before ? 'removed' : 'added'} ${path}`]
    const aspects = [
      before.kind !== after.kind && 'type',
      before.kind === after.kind &&
        before.kind === 'file' &&
        before.content !== after.content &&
        'content',
      isOddlyLinked(before, after, partners) && 'links',
      before.kind === after.kind &&
        before.kind === 'symlink' &&
        before.content !== after.content &&
        'target',
      before.kind !== 'symlink' && after.kind !== 'symlink' && before.mode !== after.mode && 'mode',
      before.uid !== after.uid && 'owner',
      before.mtime !== after.mtime && 'time',
    ].filter((aspect) => aspect !== false && !ignored.includes(aspect))
    return aspects.length === 0 ? [] : [`changed ${path} ${aspects.join()}`]
  })
}

/** Names of one file on one side are names of one file on the other. */
function isOddlyLinked(
  before: ModelNode,
  after: ModelNode,
  partners: Map<string, ModelNode['inode']>,
): boolean {
  if (before.kind !== 'file' || after.kind !== 'file') return false
  const [one, other] = [partners.get(`1 ${before.inode}`), partners.get(`2 ${after.inode}`)]
  if (one === undefined && other === undefined) {
    partners.set(`1 ${before.inode}`, after.inode)
    partners.set(`2 ${after.inode}`, before.inode)
    return false
  }
  return one !== after.inode || other !== before.inode
}
