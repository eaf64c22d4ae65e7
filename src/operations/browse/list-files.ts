import {type ByteString, fromText, readable} from '../../layer/byte-string.js'
import {type ContentRecord, isBelow} from '../../layer/records/record.js'
import type {Digest} from '../../oci/digest.js'
import type {Ports} from '../../ports.js'
import {factsOf} from '../compare/compare-trees.js'
import type {FileFacts} from '../compare/file-change.js'
import type {NamedPath} from '../compare/diff-result.js'
import {namedPath} from '../compare/named-path.js'
import {findPath} from './find-path.js'
import {type OpenTree, type TreeRequest, withTree} from './open-tree.js'

export interface ListRequest extends TreeRequest {
  /** A directory or file of the tree; `''` or `/` for its root. */
  readonly path: string
  /** Include subdirectories. */
  readonly recursive: boolean
  /** Called for each file at once, and then none is kept. */
  readonly onFile?: ((file: ListedFile) => void) | undefined
}

/** The path is relative to the directory that is listed. */
export type ListedFile = NamedPath &
  Omit<FileFacts, 'target' | 'sha256'> & {readonly target?: string}

export interface ListResult {
  readonly reference: string
  readonly digest: Digest
  readonly slot: string | null
  /** The listed path after following links, from the tree's root; `/` for the root. */
  readonly path: string
  readonly files: readonly ListedFile[]
  /** The number of files that are not listed. */
  readonly omitted: number
}

/** The most files in one result. */
const mostListed = 100_000

/**
 * Lists a directory of a slot or image, without unpacking it; for any other file, only that file.
 * Throws what `withTree` and `findPath` throw.
 */
export function listFiles(request: ListRequest, ports: Ports): Promise<ListResult> {
  return withTree(request, ports, (tree) => {
    const {path, record} = findPath(tree, fromText(request.path))
    const files: ListedFile[] = []
    let count = 0
    for (const [name, found] of filesIn(tree, path, record, request.recursive)) {
      ports.signal.throwIfAborted()
      count++
      if (request.onFile) request.onFile(listed(name, found))
      else if (files.length < mostListed) files.push(listed(name, found))
    }
    const {reference, digest, slot} = tree
    const omitted = request.onFile ? 0 : count - files.length
    return Promise.resolve({
      ...{reference, digest, slot},
      path: `/${readable(path)}`,
      files,
      omitted,
    })
  })
}

function* filesIn(
  tree: OpenTree,
  path: ByteString,
  record: ContentRecord | undefined,
  recursive: boolean,
): Generator<readonly [name: ByteString, record: ContentRecord]> {
  if (record && record.kind !== 'directory' && record.kind !== 'implicit') {
    yield [path.slice(path.lastIndexOf('/') + 1), record]
    return
  }
  const start = path === '' ? 0 : path.length + 1
  for (const found of tree.entries()) {
    if (!isBelow(found.path, path)) continue
    const name = found.path.slice(start)
    if (recursive || !name.includes('/')) yield [name, found]
  }
}

function listed(name: ByteString, record: ContentRecord): ListedFile {
  const {type, size, mode, uid, gid, mtime, target} = factsOf(record)
  return {
    ...namedPath(name),
    ...{type, size, mode, uid, gid, mtime},
    ...(target !== undefined && {target: readable(target)}),
  }
}
