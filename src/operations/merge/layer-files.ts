import {PreconditionError} from '../../errors.js'
import type {NumberedLayer} from '../../image/image.js'
import {type ByteString, display} from '../../layer/byte-string.js'
import type {EntryMetadata} from '../../layer/entry.js'
import {checkSize} from '../../layer/merge/merge-bytes.js'
import {findPaths, withParents} from '../../layer/pack/base-directories.js'
import {followLinks} from '../../layer/pack/follow-links.js'
import {readLimits, readLayer} from '../../layer/records/read-layer.js'
import type {ContentStore} from '../../store/content-store.js'
import type {Ports} from '../../ports.js'
import {type BaseLayers, nameOf} from '../slot/entries/base-layers.js'

/** A regular file of an image, with its content. */
export interface LayerFile {
  readonly metadata: Omit<EntryMetadata, 'path'>
  readonly bytes: Uint8Array
}

/** What is at a path of an image. */
export interface FoundFile {
  /** Where links lead to, relative to the root. */
  readonly at: ByteString
  /** The same with only the links of its directories followed. */
  readonly place: ByteString
  /** `undefined`: there is nothing. */
  readonly file: LayerFile | undefined
}

/** Reads single files from the layers of images. */
export interface LayerFiles {
  /**
   * The file that a path leads to, links followed inside the image's root. Reads only the layers
   * that are needed, newest first. Throws `PreconditionError`: `ERR_INJECT_NOT_A_FILE` for a
   * directory or a device, `ERR_INJECT_LAYER_UNREADABLE` for a layer that hides the answer;
   * `LimitError` (`ERR_INJECT_MERGE_TOO_LARGE`), and what `followLinks` and reading throw.
   */
  find(newestFirst: readonly NumberedLayer[], path: ByteString): Promise<FoundFile>
}

/** Each file is read once; `keptFiles` of the ports remembers it beyond the run. */
export function createLayerFiles(
  store: ContentStore,
  layers: BaseLayers,
  ports: Pick<Ports, 'report' | 'signal' | 'keptFiles'>,
): LayerFiles {
  const known = new Map<string, Promise<LayerFile | ByteString>>()
  return {
    async find(newestFirst, path) {
      const read = (layer: NumberedLayer) => readable(layer, path, layers)
      const slash = path.lastIndexOf('/')
      const folder = path.slice(0, Math.max(slash, 0))
      const wanted = new Set(folder === '' ? [path] : [path, folder])
      const {paths, followed} = await followLinks(wanted, (asked) =>
        findPaths(newestFirst, withParents(asked), read),
      )
      const at = followed.get(path) ?? path
      const place = (followed.get(folder) ?? folder) + path.slice(folder.length)
      if (paths.directories.has(at)) throw notAFile(at, 'a directory')
      const file = paths.files.has(at) ? await fileAt(newestFirst, at) : undefined
      return {at, place, file}
    },
  }

  async function fileAt(
    newestFirst: readonly NumberedLayer[],
    at: ByteString,
    links = 0,
  ): Promise<LayerFile> {
    for (const [position, layer] of newestFirst.entries()) {
      const index = await readable(layer, at, layers)
      if (!index.some(({path, kind}) => kind === 'other' && path === at)) continue
      const found = await once(layer, at)
      if (typeof found !== 'string') return found
      if (links >= mostHardLinks) break
      return fileAt(newestFirst.slice(position), found, links + 1)
    }
    throw notAFile(at, 'a hard link whose target is in no layer')
  }

  function once(layer: NumberedLayer, at: ByteString): Promise<LayerFile | ByteString> {
    const key = `${layer.diffId} ${at}`
    const found = known.get(key) ?? keptOrRead(layer, at)
    known.set(key, found)
    return found
  }

  async function keptOrRead(layer: NumberedLayer, at: ByteString): Promise<LayerFile | ByteString> {
    const kept = await ports.keptFiles?.get(layer.diffId, at)
    if (kept) return kept
    ports.report({kind: 'step', step: 'read image', on: `layer ${layer.descriptor.digest}`})
    const found = await readFileIn(store, layer, at, ports.signal)
    if (typeof found !== 'string') await ports.keptFiles?.put(layer.diffId, at, found)
    return found
  }
}

/** A hard link to a hard link is possible, a circle is not. */
const mostHardLinks = 8

async function readable(layer: NumberedLayer, path: ByteString, layers: BaseLayers) {
  const index = await layers.read(layer)
  if (index) return index
  throw new PreconditionError(
    'ERR_INJECT_LAYER_UNREADABLE',
    `whether the image has ${display(`/${path}`)} is not known: ${nameOf(layer)} cannot be read`,
    {hint: 'ask the maker of the image for one with intact layers'},
  )
}

/** The last entry of that path: its content, or the target of a hard link. */
async function readFileIn(
  store: ContentStore,
  {descriptor, diffId, number}: NumberedLayer,
  at: ByteString,
  signal: AbortSignal,
): Promise<LayerFile | ByteString> {
  let found: {metadata: LayerFile['metadata']; parts: Uint8Array[]} | ByteString | undefined
  let other: string | undefined
  let isInside = false
  let size = 0
  const add = (bytes: Uint8Array): void => {
    if (!isInside || typeof found !== 'object') return
    size += bytes.length
    checkSize(size, `/${at}`)
    found.parts.push(Uint8Array.from(bytes))
  }
  await readLayer(
    {
      mediaType: descriptor.mediaType,
      diffId,
      place: {number, digest: descriptor.digest},
      open: () => store.openBlob(descriptor, {signal}),
    },
    {
      entry(entry) {
        isInside = entry.path === at
        if (!isInside) return
        size = 0
        const {mode, uid, gid, mtime, xattrs} = entry
        other = undefined
        if (entry.kind === 'file') found = {metadata: {mode, uid, gid, mtime, xattrs}, parts: []}
        else if (entry.kind === 'hardlink') found = entry.target
        else other = 'a device or FIFO'
      },
      data: add,
      hole(zeros) {
        if (isInside) checkSize(size + zeros, `/${at}`)
        add(new Uint8Array(isInside ? zeros : 0))
      },
      entryEnd() {
        isInside = false
      },
    },
    readLimits,
    signal,
  )
  if (other !== undefined || found === undefined) throw notAFile(at, other ?? 'gone')
  return typeof found === 'string'
    ? found
    : {metadata: found.metadata, bytes: Buffer.concat(found.parts)}
}

function notAFile(at: ByteString, what: string): PreconditionError {
  return new PreconditionError(
    'ERR_INJECT_NOT_A_FILE',
    `${display(`/${at}`)} of the image is ${what}, not a file, and cannot be merged`,
    {hint: 'name a file of the image, or a path where it has nothing'},
  )
}
