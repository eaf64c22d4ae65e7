import {PreconditionError} from '../../../errors.js'
import type {NumberedLayer} from '../../../image/image.js'
import {type ByteString, display} from '../../../layer/byte-string.js'
import type {LayerIndex} from '../../../layer/contents/layer-index.js'
import {readLayer, readLimits} from '../../../layer/records/read-layer.js'
import {opaqueMarker, whiteoutPrefix} from '../../../layer/whiteout.js'
import type {ContentStore} from '../../../store/content-store.js'
import type {Ports} from '../../../ports.js'
import type {BaseLayers} from './base-layers.js'

/** The most bytes of one file. */
const largestFile = 4 * 1024 * 1024

/**
 * The text of a small file of an image; `undefined` if the image has none. Layers are read newest
 * first, until one of them has the file. Throws `PreconditionError`
 * (`ERR_INJECT_IMAGE_FILE_UNREADABLE`) where it is not a file, or a large one, and what reading a
 * layer throws.
 */
export async function readSmallFile(
  store: ContentStore,
  {newestFirst, path}: {readonly newestFirst: readonly NumberedLayer[]; readonly path: ByteString},
  layers: BaseLayers,
  {signal}: Pick<Ports, 'signal'>,
): Promise<string | undefined> {
  for (const layer of newestFirst) {
    const index = await layers.read(layer)
    const found = index && lastAt(index, path)
    if (found === 'gone') return undefined
    if (found === undefined) continue
    if (found !== 'other')
      throw unreadable(path, found === 'symlink' ? 'a symbolic link' : 'a directory')
    return contentOf(layer)
  }
  return undefined

  async function contentOf({descriptor, diffId, number}: NumberedLayer): Promise<string> {
    const pieces: Uint8Array[] = []
    let size = 0
    let isHere = false
    const stored = {
      open: () => store.openBlob(descriptor, {signal}),
      ...{mediaType: descriptor.mediaType, diffId, place: {number, digest: descriptor.digest}},
    }
    const listener = {
      entry(entry: {readonly path: ByteString; readonly kind: string}) {
        isHere = entry.path === path
        if (!isHere) return
        if (entry.kind !== 'file') throw unreadable(path, 'not a regular file')
        pieces.length = size = 0
      },
      data(bytes: Uint8Array) {
        if (!isHere) return
        size += bytes.length
        if (size > largestFile) throw unreadable(path, `larger than ${largestFile} bytes`)
        pieces.push(Uint8Array.from(bytes))
      },
      hole() {
        if (isHere) throw unreadable(path, 'a sparse file')
      },
      entryEnd: () => undefined,
    }
    await readLayer(stored, listener, readLimits, signal)
    return Buffer.concat(pieces).toString('utf8')
  }
}

/** What a layer says last of a path. */
function lastAt(
  index: LayerIndex,
  path: ByteString,
): LayerIndex[number]['kind'] | 'gone' | undefined {
  const hiding = new Set<ByteString>()
  for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
    const slash = path.lastIndexOf('/', end - 1)
    const folder = path.slice(0, slash + 1)
    hiding.add(`${folder}${whiteoutPrefix}${path.slice(slash + 1, end)}`).add(folder + opaqueMarker)
  }
  const own = index.findLast((entry) => entry.path === path)
  if (own) return own.kind
  return index.some((entry) => hiding.has(entry.path)) ? 'gone' : undefined
}

function unreadable(path: ByteString, what: string): PreconditionError {
  return new PreconditionError(
    'ERR_INJECT_IMAGE_FILE_UNREADABLE',
    `${display(`/${path}`)} of the image cannot be read: it is ${what}`,
    {hint: 'write the owner as two numbers, as in --owner 1000:1000'},
  )
}
