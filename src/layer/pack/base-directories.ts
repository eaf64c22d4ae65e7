import type {ByteString} from '../byte-string.js'
import type {EntryMetadata} from '../entry.js'
import {opaqueMarker, whiteoutPrefix} from '../whiteout.js'
import type {LayerIndex} from '../contents/layer-index.js'

/**
 * What a layer says of a path: it is this directory, or a symbolic link, or something else, so that
 * nothing of the layers below counts.
 */
export type LayerWord = EntryMetadata | {readonly link: ByteString} | 'gone'

/** What one layer says of the paths that were asked for. */
interface LayerWords {
  readonly own: ReadonlyMap<ByteString, LayerWord>
  /**
   * Directories of which nothing below this layer counts, `''` for the image's root: whited out as
   * a whole (`whole`), or opaque.
   */
  readonly hidden: ReadonlyMap<ByteString, 'whole' | 'inside'>
}

/**
 * What an image has at the requested paths: directories, links with their targets, and anything
 * else.
 */
export interface BasePaths {
  readonly directories: ReadonlyMap<ByteString, EntryMetadata>
  readonly links: ReadonlyMap<ByteString, ByteString>
  readonly files: ReadonlySet<ByteString>
  /** Paths of which no layer that was looked into says anything. */
  readonly unknown: ReadonlySet<ByteString>
}

/**
 * What the layers say together, the newest one first; `read` is asked for one after the other, as
 * long as something is not found, and gives `undefined` for a layer that is not looked into.
 */
export async function findPaths<T>(
  newestFirst: readonly T[],
  wanted: ReadonlySet<ByteString>,
  read: (layer: T) => Promise<LayerIndex | undefined>,
): Promise<BasePaths> {
  const directories = new Map<ByteString, EntryMetadata>()
  const links = new Map<ByteString, ByteString>()
  const files = new Set<ByteString>()
  const unknown = new Set(wanted)
  for (const layer of newestFirst) {
    if (unknown.size === 0) break
    const index = await read(layer)
    if (!index) continue
    const words = wordsOf(index, wanted)
    for (const path of unknown) {
      const word = words.own.get(path)
      if (word === undefined && !isHidden(path, words)) continue
      unknown.delete(path)
      if (word === undefined) continue
      if (word === 'gone') files.add(path)
      else if ('link' in word) links.set(path, word.link)
      else directories.set(path, word)
    }
  }
  return {directories, links, files, unknown}
}

/** The directories that a path is in, innermost first, without the root. */
export function parentsOf(path: ByteString): ByteString[] {
  const parents: ByteString[] = []
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1))
    parents.push(path.slice(0, end))
  return parents
}

/** The paths and the directories that they are in, which can hide them: what `findPaths` takes. */
export function withParents(paths: Iterable<ByteString>): Set<ByteString> {
  const all = new Set(paths)
  for (const path of [...all]) for (const parent of parentsOf(path)) all.add(parent)
  return all
}

/**
 * Entries count in their order, the last one of a path wins; a whiteout hides what the layers below
 * have, never what its own layer has.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#whiteouts
 */
function wordsOf(index: LayerIndex, wanted: ReadonlySet<ByteString>): LayerWords {
  const own = new Map<ByteString, LayerWord>()
  const hidden = new Map<ByteString, 'whole' | 'inside'>()
  for (const entry of index) {
    const {path} = entry
    const slash = path.lastIndexOf('/')
    const [folder, name] = [path.slice(0, Math.max(slash, 0)), path.slice(slash + 1)]
    if (name === opaqueMarker) {
      if (folder === '' || wanted.has(folder)) hidden.set(folder, hidden.get(folder) ?? 'inside')
    } else if (name.startsWith(whiteoutPrefix)) {
      const target = name.slice(whiteoutPrefix.length)
      const whole = folder === '' ? target : `${folder}/${target}`
      // anyone who asks for a directory asks for those above it: nothing else can hide one
      if (wanted.has(whole)) hidden.set(whole, 'whole')
    } else if (wanted.has(path)) {
      if (entry.kind === 'symlink') own.set(path, {link: entry.target})
      else own.set(path, entry.kind === 'directory' ? metadataOf(entry) : 'gone')
    }
  }
  return {own, hidden}
}

function metadataOf({path, mode, uid, gid, mtime, xattrs}: EntryMetadata): EntryMetadata {
  return {path, mode, uid, gid, mtime, xattrs}
}

function isHidden(path: ByteString, {own, hidden}: LayerWords): boolean {
  if (hidden.get(path) === 'whole' || (path !== '' && hidden.has(''))) return true
  for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
    const above = path.slice(0, slash)
    const word = own.get(above)
    if (hidden.has(above) || word === 'gone' || (word && 'link' in word)) return true
  }
  return false
}
