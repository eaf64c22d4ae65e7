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

/** Sums up the files of a tree by directory. */
export function createSizeTree(mostNodes = usualNodes): SizeTree {
  const root = nodeOf('', undefined)
  let nodes = 0
  const files: SizedFile[] = []
  let least = -1
  return {
    root,
    add(file) {
      let node = root
      count(node, file.bytes)
      const names = file.path.split('/').filter((name) => name !== '')
      for (const [at, name] of names.slice(0, mostLevels).entries()) {
        let child = node.children.get(name)
        if (!child) {
          if (nodes >= mostNodes) break
          nodes++
          child = nodeOf(name, at === names.length - 1 ? file.mark : undefined)
          node.children.set(name, child)
        }
        count(child, file.bytes)
        node = child
      }
      if (file.bytes <= least) return
      files.push(file)
      if (files.length > 2 * mostKept) least = keepLargest(files)
    },
    largest: (most) => [...files].sort(bySize).slice(0, Math.min(most, mostKept)),
  }
}

const mostKept = 1000

function nodeOf(name: string, mark: Mark | undefined): OwnNode {
  return {name, bytes: 0, files: 0, mark, children: new Map()}
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
