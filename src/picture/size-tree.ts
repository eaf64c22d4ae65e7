/** What became of a file, where two trees are compared. */
export type Mark = 'added' | 'removed' | 'changed'

/** A directory or file, and how much it holds. */
export interface SizeNode {
  readonly name: string
  /** Of all files in it, or its own. */
  readonly bytes: number
  readonly files: number
  /** Empty for a file. */
  readonly children: ReadonlyMap<string, SizeNode>
  readonly mark: Mark | undefined
}

export interface SizedFile {
  readonly path: string
  readonly bytes: number
  readonly mark?: Mark | undefined
}

export interface SizeTree {
  /** In any order. */
  add(file: SizedFile): void
  readonly root: SizeNode
  /** The largest files, the largest first. */
  largest(most: number): readonly SizedFile[]
}

/** More names than that are counted in their directory only, so that memory is bounded. */
const usualNodes = 300_000
/** Deeper files count in the directory at that depth: no drawing shows more. */
const mostLevels = 64

interface OwnNode extends SizeNode {
  bytes: number
  files: number
  children: Map<string, OwnNode>
}

/** A directory, with its path and a slash behind it. */
interface Level {
  readonly path: string
  readonly node: OwnNode
}

/** Sums up the files of a tree by directory. */
export function createSizeTree(mostNodes = usualNodes): SizeTree {
  const root = nodeOf('', undefined)
  let nodes = 0
  const files: SizedFile[] = []
  let least = -1
  // files come mostly one directory after the other: the directories that the last one is in
  const way: Level[] = [{path: '', node: root}]

  function childOf(node: OwnNode, name: string, mark?: Mark): OwnNode | undefined {
    const known = node.children.get(name)
    if (known || nodes >= mostNodes) return known
    nodes++
    const child = nodeOf(name, mark)
    // most nodes are files, and have none
    if (node.children === noChildren) node.children = new Map()
    node.children.set(name, child)
    return child
  }

  /** The directory with this path, which ends with a slash; `undefined` if it is not counted. */
  function enter(folder: string): OwnNode | undefined {
    while (!folder.startsWith(way.at(-1)?.path ?? '')) way.pop()
    let {path, node} = way.at(-1) ?? {path: '', node: root}
    for (let start = path.length; start < folder.length; start = path.length) {
      const end = folder.indexOf('/', start)
      path = folder.slice(0, end + 1)
      if (end === start) continue
      const child = way.length > mostLevels ? undefined : childOf(node, folder.slice(start, end))
      if (!child) return undefined
      node = child
      way.push({path, node})
    }
    return way.length > mostLevels ? undefined : node
  }

  return {
    root,
    add(file) {
      const {path, bytes, mark} = file
      const start = path.lastIndexOf('/') + 1
      const folder = enter(path.slice(0, start))
      for (const {node} of way) count(node, bytes)
      const own = folder && childOf(folder, path.slice(start), mark)
      if (own) count(own, bytes)
      if (bytes <= least) return
      files.push(file)
      if (files.length > 2 * mostKept) least = keepLargest(files)
    },
    largest: (most) => [...files].sort(bySize).slice(0, Math.min(most, mostKept)),
  }
}

const mostKept = 1000

const noChildren = new Map<string, OwnNode>()

function nodeOf(name: string, mark: Mark | undefined): OwnNode {
  return {name, bytes: 0, files: 0, mark, children: noChildren}
}

function count(node: OwnNode, bytes: number): void {
  node.bytes += bytes
  node.files++
}

/** Returns the bytes of the smallest that is kept. */
function keepLargest(files: SizedFile[]): number {
  files.sort(bySize).length = mostKept
  return files.at(-1)?.bytes ?? -1
}

function bySize(one: SizedFile, other: SizedFile): number {
  return other.bytes - one.bytes || (one.path < other.path ? -1 : 1)
}
