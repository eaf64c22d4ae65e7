import type {Digest} from '../../oci/digest.js'
import type {ByteStream} from '../../store/content-store.js'
import type {ByteString} from '../byte-string.js'
import {decompress, verifiedDiffId} from '../decompress/decompress.js'
import type {EntryMetadata} from '../entry.js'
import {createTarReader} from '../tar/reader.js'
import {unpackLimits} from '../limits.js'

/**
 * What a layer says of a path: it is this directory, or something else, so that no directory of the
 * layers below counts.
 */
export type LayerWord = EntryMetadata | 'gone'

/** What one layer says of the directories that were asked for. */
export interface LayerDirectories {
  readonly own: ReadonlyMap<ByteString, LayerWord>
  /**
   * Directories of which nothing below this layer counts, `''` for the image's root: whited out as
   * a whole (`whole`), or opaque.
   */
  readonly hidden: ReadonlyMap<ByteString, 'whole' | 'inside'>
}

/**
 * Reads a layer to its end for what it says of `wanted`. Entries count in their order, the last one
 * of a path wins; a whiteout hides what the layers below have, never what its own layer has. Throws
 * what `decompress` and the tar reader throw, and `IntegrityError` when it is not what `diffId`
 * names.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#whiteouts
 */
export async function readLayerDirectories(
  blob: ByteStream,
  {mediaType, diffId}: {readonly mediaType: string; readonly diffId: Digest},
  wanted: ReadonlySet<ByteString>,
  signal: AbortSignal,
): Promise<LayerDirectories> {
  const own = new Map<ByteString, LayerWord>()
  const hidden = new Map<ByteString, 'whole' | 'inside'>()
  const reader = createTarReader(
    {
      entry(entry) {
        const path = normalise(entry.path)
        if (path === undefined) return
        const slash = path.lastIndexOf('/')
        const [folder, name] = [path.slice(0, Math.max(slash, 0)), path.slice(slash + 1)]
        if (name === opaque) {
          if (folder === '' || wanted.has(folder))
            hidden.set(folder, hidden.get(folder) ?? 'inside')
        } else if (name.startsWith('.wh.')) {
          const target = name.slice('.wh.'.length)
          const whole = folder === '' ? target : `${folder}/${target}`
          // anyone who asks for a directory asks for those above it: nothing else can hide one
          if (wanted.has(whole)) hidden.set(whole, 'whole')
        } else if (wanted.has(path)) {
          const {mode, uid, gid, mtime, xattrs} = entry
          own.set(path, entry.kind === 'directory' ? {path, mode, uid, gid, mtime, xattrs} : 'gone')
        }
      },
      data: () => undefined,
      entryEnd: () => undefined,
    },
    // umoci, among others, writes none
    {...unpackLimits, mayLackMarker: true},
  )
  for await (const chunk of verifiedDiffId(decompress(blob, mediaType, unpackLimits), diffId)) {
    signal.throwIfAborted()
    reader.write(chunk)
  }
  reader.end()
  return {own, hidden}
}

/**
 * What the layers say together, the newest one first; `read` is asked for one after the other, as
 * long as something is not found.
 */
export async function findDirectories<T>(
  newestFirst: readonly T[],
  wanted: ReadonlySet<ByteString>,
  read: (layer: T) => Promise<LayerDirectories>,
): Promise<Map<ByteString, EntryMetadata>> {
  const found = new Map<ByteString, EntryMetadata>()
  const open = new Set(wanted)
  for (const layer of newestFirst) {
    if (open.size === 0) break
    const {own, hidden} = await read(layer)
    for (const path of open) {
      const word = own.get(path)
      if (word === undefined && !isHidden(path, {own, hidden})) continue
      open.delete(path)
      if (word && word !== 'gone') found.set(path, word)
    }
  }
  return found
}

const opaque = '.wh..wh..opq'

function isHidden(path: ByteString, {own, hidden}: LayerDirectories): boolean {
  if (hidden.get(path) === 'whole' || (path !== '' && hidden.has(''))) return true
  for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
    const above = path.slice(0, slash)
    if (hidden.has(above) || own.get(above) === 'gone') return true
  }
  return false
}

/**
 * `a/b` of `./a//b/`; `undefined` for the image's root and for what climbs, which is not a
 * directory of the image.
 */
function normalise(path: ByteString): ByteString | undefined {
  const names = path.split('/').filter((name) => name !== '' && name !== '.')
  return names.length === 0 || names.includes('..') ? undefined : names.join('/')
}
