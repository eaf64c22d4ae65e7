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

/** The directories on the way to a file, the outermost first. */
interface Way {
  readonly folder: string
  readonly nodes: readonly OwnNode[]
  /** Whether all of them are counted by themselves, and the file can be, too. */
  readonly isWhole: boolean
}

/** Sums up the files of a tree by directory. */
export function createSizeTree(mostNodes = usualNodes): SizeTree {
  const root = nodeOf('', undefined)
  let nodes = 0
  const files: SizedFile[] = []
  let least = -1
  let way: Way = {folder: '', nodes: [root], isWhole: true}

  function childOf(node: OwnNode, name: string, mark: Mark | undefined): OwnNode | undefined {
    const known = node.children.get(name)
    if (known || nodes >= mostNodes) return known
    nodes++
    const child = nodeOf(name, mark)
    // most nodes are files, and have none
    if (node.children === noChildren) node.children = new Map()
    node.children.set(name, child)
    return child
  }

  function wayTo(folder: string): Way {
    const names = folder.split('/').filter((name) => name !== '')
    const found = [root]
    let node: OwnNode | undefined = root
    for (const name of names.slice(0, mostLevels)) {
      node = childOf(node, name, undefined)
      if (!node) break
      found.push(node)
    }
    return {folder, nodes: found, isWhole: node !== undefined && names.length < mostLevels}
  }

  return {
    root,
    add(file) {
      const {path, bytes, mark} = file
      const slash = path.lastIndexOf('/')
      const folder = path.slice(0, Math.max(0, slash))
      // files come one directory after the other
      if (folder !== way.folder) way = wayTo(folder)
      for (const node of way.nodes) count(node, bytes)
      const own = way.isWhole && childOf(way.nodes.at(-1) ?? root, path.slice(slash + 1), mark)
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
