// Where things are under a root of repositories. The only file that knows these paths; paths.ts
// knows those within one layout.
//
//   ROOT/NAME/                              the repository NAME: an OCI image layout
//   ROOT/NAME/.inject-uploads/ID            an upload's bytes; ID.state: its hash so far
//   ROOT/NAME/.inject-collecting/ALG-HEX    a blob that is being removed, or put back
//   ROOT/.inject-root/serve.lock            held by the one process that serves the root
//   ROOT/.inject-root/pool/ALG/HEX          another hard link to every blob: content is kept once
//   ROOT/.inject-root/quarantine/           corrupt blobs, kept to look at
//   ROOT/.inject-root/index/NAME/.copy.json another copy of ROOT/NAME/index.json
//
// Repositories nest (`a` and `a/b`), so a part of a name must not be called what a layout calls its
// own: such a part has `_` before it, with which no part of a name can begin. Names that begin with
// `.` cannot come from a repository's name either.
import {readdir, realpath, stat} from 'node:fs/promises'
import {dirname, join, relative} from 'node:path'
import {localIoError} from '../../disk/local-io-error.js'
import {algorithmOf, type Digest, hexOf} from '../../oci/digest.js'
import {longestName, nameComponent} from '../../oci/names/repository-name.js'
import {ifNoSuchPath, isAbsent} from '../../disk/error-answers.js'
import {tempPrefix} from './paths.js'

export const rootPaths = {
  own: (root: string) => join(root, `${tempPrefix}root`),
  lock: (root: string) => join(root, `${tempPrefix}root`, 'serve.lock'),
  pool: (root: string) => join(root, `${tempPrefix}root`, 'pool'),
  pooled: (root: string, digest: Digest) =>
    join(root, `${tempPrefix}root`, 'pool', algorithmOf(digest), hexOf(digest)),
  quarantine: (root: string) => join(root, `${tempPrefix}root`, 'quarantine'),
  /** `directory` is a repository in the root. */
  indexCopy: (root: string, directory: string) =>
    join(root, `${tempPrefix}root`, 'index', relative(root, directory), '.copy.json'),
  /** Of a name that `parseRepositoryName` has accepted. */
  repository: (root: string, name: string) => join(root, ...name.split('/').map(escapePart)),
}

/** Within the layout of one repository. */
export const repositoryPaths = {
  uploads: (directory: string) => join(directory, `${tempPrefix}uploads`),
  upload: (directory: string, id: string) => join(directory, `${tempPrefix}uploads`, id),
  uploadState: (directory: string, id: string) =>
    join(directory, `${tempPrefix}uploads`, `${id}.state`),
  collecting: (directory: string) => join(directory, `${tempPrefix}collecting`),
  inHand: (directory: string, digest: Digest) =>
    join(directory, `${tempPrefix}collecting`, `${algorithmOf(digest)}-${hexOf(digest)}`),
}

/**
 * The root of repositories that `directory` is in, below it or at it; `undefined` when none was
 * ever served there.
 */
export async function findRoot(directory: string): Promise<string | undefined> {
  let folder = await realpath(directory).catch(ifNoSuchPath(undefined))
  while (folder !== undefined) {
    if (await hasOwnFolder(folder)) return folder
    const parent = dirname(folder)
    folder = parent === folder ? undefined : parent
  }
  return undefined
}

/** Whether a folder is a root of repositories, which somebody has served. */
export async function hasOwnFolder(directory: string): Promise<boolean> {
  const stats = await stat(rootPaths.own(directory)).catch(ifNoSuchPath(undefined))
  return stats?.isDirectory() === true
}

/**
 * The names of all repositories under `root`, in no order; links are not followed. A folder that
 * goes meanwhile is not an error.
 */
export async function* findRepositories(
  root: string,
  signal?: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  for await (const {name, isLayout} of walkFolders(root, signal)) if (isLayout) yield name
}

/**
 * The names of folders under `root` that hold parts of a layout but not its marker, so that they
 * are not served.
 */
export async function* findHalfLayouts(
  root: string,
  signal?: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  for await (const {name, isLayout, hasParts} of walkFolders(root, signal))
    if (hasParts && !isLayout) yield name
}

/** Folders that are looked into before a folder counts as one without layouts. */
const mostLookedInto = 1000

/** Whether a folder holds something, but no layout; only so many of its folders are looked into. */
export async function isForeignFolder(root: string): Promise<boolean> {
  const names = await readdir(root)
  if (names.every((name) => name.startsWith('.'))) return false
  let looked = 0
  for await (const {isLayout} of walkFolders(root, undefined)) {
    if (isLayout) return false
    if (++looked === mostLookedInto) break
  }
  return true
}

interface FoundFolder {
  readonly name: string
  readonly isLayout: boolean
  /** It has `blobs` or `index.json`. */
  readonly hasParts: boolean
}

async function* walkFolders(
  root: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<FoundFolder, void, undefined> {
  const waiting: string[] = ['']
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    signal?.throwIfAborted()
    const folder = name === '' ? root : rootPaths.repository(root, name)
    const entries = await readdir(folder, {withFileTypes: true}).catch((error: unknown) => {
      // one that somebody has just removed; the root is another matter
      if (isAbsent(error) && name !== '') return []
      throw localIoError(error, 'read', folder)
    })
    const isLayout = entries.some((entry) => entry.name === 'oci-layout' && entry.isFile())
    const hasParts = entries.some((entry) => entry.name === 'blobs' || entry.name === 'index.json')
    if (name !== '') yield {name, isLayout, hasParts}
    for (const entry of entries) {
      const part = entry.isDirectory() ? partOf(entry.name) : undefined
      const inner = name === '' ? part : `${name}/${part}`
      if (part !== undefined && inner !== undefined && inner.length <= longestName)
        waiting.push(inner)
    }
  }
}

/** Whether a folder within a repository's is the folder of a part of a longer name. */
export function isPartFolder(folder: string): boolean {
  return partOf(folder) !== undefined
}

const layoutNames: readonly string[] = ['blobs', 'index.json', 'oci-layout']

function escapePart(part: string): string {
  return layoutNames.includes(part) ? `_${part}` : part
}

/** `undefined` for a folder that no part of a name is kept in. */
function partOf(folder: string): string | undefined {
  if (layoutNames.includes(folder)) return undefined
  const part =
    layoutNames.includes(folder.slice(1)) && folder.startsWith('_') ? folder.slice(1) : folder
  return nameComponent.test(part) ? part : undefined
}
