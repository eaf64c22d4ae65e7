import {InjectError} from '../../errors.js'
import type {NumberedLayer} from '../../image/image.js'
import {type ByteString, fromText, toText} from '../../layer/byte-string.js'
import {findPaths, withParents} from '../../layer/pack/base-directories.js'
import {
  anchorFolders,
  bundles,
  hashFolders,
  isKeystore,
  keystores,
} from '../../trust/trust-stores.js'
import type {LayerFiles} from '../merge/layer-files.js'
import type {BaseLayers} from '../slot/entries/base-layers.js'

/** The places of an image that hold trusted certificates; all paths are absolute. */
export interface TrustStores {
  /** Each file once, under the name that programs know. */
  readonly bundles: readonly string[]
  readonly keystores: readonly string[]
  /** Folders, where links lead to. */
  readonly anchors: readonly string[]
  /** Folders, with the names of the hashes in them. */
  readonly hashes: ReadonlyMap<string, ReadonlySet<string>>
}

/**
 * Looks through all layers of the vendor, newest first. Throws what `LayerFiles` throws for a file,
 * as for links in a circle.
 */
export async function findStores(
  newestFirst: readonly NumberedLayer[],
  {layers, files}: {readonly layers: BaseLayers; readonly files: LayerFiles},
): Promise<TrustStores> {
  const places = new Set<ByteString>()
  const named = async (paths: readonly string[]): Promise<string[]> => {
    const found: string[] = []
    for (const path of paths) {
      const at = await placeOf(files, newestFirst, path)
      if (at === undefined || places.has(at)) continue
      places.add(at)
      found.push(path)
    }
    return found
  }
  const {java, hashed, folders} = await survey(newestFirst, layers)
  return {
    bundles: await named(bundles),
    keystores: await named([...keystores, ...java]),
    anchors: anchorFolders.filter((path) => folders.has(path)),
    hashes: hashed,
  }
}

/** `undefined` for what is not a file. */
async function placeOf(
  files: LayerFiles,
  newestFirst: readonly NumberedLayer[],
  path: string,
): Promise<ByteString | undefined> {
  try {
    const {at, file} = await files.find(newestFirst, fromText(path.slice(1)))
    return file && at
  } catch (error) {
    if (error instanceof InjectError && error.code === 'ERR_INJECT_NOT_A_FILE') return undefined
    throw error
  }
}

const hashName = /^[0-9a-f]{8}\.\d{1,4}$/
const wantedFolders = new Set(hashFolders.map((path) => path.slice(1)))

/** What layers name, and the image has. */
async function survey(newestFirst: readonly NumberedLayer[], layers: BaseLayers) {
  const wanted = new Set<ByteString>(anchorFolders.map((path) => path.slice(1)))
  for (const layer of newestFirst) {
    for (const {path} of (await layers.read(layer)) ?? []) {
      const slash = path.lastIndexOf('/')
      const isHash = wantedFolders.has(path.slice(0, Math.max(slash, 0)))
      if ((isHash && hashName.test(path.slice(slash + 1))) || isKeystore(`/${path}`))
        wanted.add(path)
    }
  }
  const read = (layer: NumberedLayer) => layers.read(layer)
  const found = await findPaths(newestFirst, withParents(wanted), read)
  const hashed = new Map<string, Set<string>>()
  const java: string[] = []
  for (const path of wanted) {
    if (!found.files.has(path) && !found.links.has(path)) continue
    const slash = path.lastIndexOf('/')
    const [folder, name] = [`/${path.slice(0, slash)}`, path.slice(slash + 1)]
    const text = toText(path)
    if (isKeystore(`/${path}`) && text !== undefined) java.push(`/${text}`)
    else if (hashName.test(name)) hashed.set(folder, (hashed.get(folder) ?? new Set()).add(name))
  }
  const folders = new Set([...found.directories.keys()].map((path) => `/${path}`))
  return {java: java.sort(), hashed, folders}
}
