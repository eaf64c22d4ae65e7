import {packLayer} from '../../src/layer/pack/pack.js'
import type {Entry} from '../../src/layer/entry.js'
import type {WalkedEntry} from '../../src/layer/tree/walked-entry.js'
import type {Descriptor} from '../../src/oci/descriptor.js'
import {digestOf, type Digest} from '../../src/oci/digest.js'
import {layerMediaType, type MediaFamily} from '../../src/oci/media-type.js'
import type {ContentStore} from '../../src/store/content-store.js'
import {bytesSource} from './layout-image.js'
import {putDocuments} from './put-documents.js'

/** A layer to store: of entries, or of bytes that are one already. */
export interface PutLayer {
  readonly entries?: readonly WalkedEntry[]
  readonly blob?: Uint8Array
  /** Default: gzip of the image's family. */
  readonly mediaType?: string
  readonly diffId?: Digest
  readonly urls?: readonly string[]
  readonly annotations?: Readonly<Record<string, string>>
  /** The blob is not stored. */
  readonly missing?: boolean
}

export interface PutImage {
  readonly family?: MediaFamily
  readonly config?: Readonly<Record<string, unknown>>
  readonly labels?: Readonly<Record<string, string>>
  readonly layers: readonly PutLayer[]
  readonly tag?: string
}

/**
 * An entry of a layer. Directories and empty files by default; `mode`, `uid` and whatever else is
 * given.
 */
export function makeEntry(path: string, more: Partial<Entry> = {}): WalkedEntry {
  const isDirectory = path.endsWith('/')
  const common = {mode: 0o755, uid: 0, gid: 0, mtime: 1_000_000_000, xattrs: undefined}
  const name = isDirectory ? path.slice(0, -1) : path
  const kind = isDirectory ? {kind: 'directory'} : {kind: 'file', size: 0}
  return {entry: {...common, ...kind, path: name, ...more} as Entry}
}

/** A layer of a directory with an empty file in it. */
export const smallLayer = (name: string): PutLayer => ({
  entries: [makeEntry(`${name}/`), makeEntry(`${name}/file`)],
})

/** Puts an image of these layers into a store, tagged `v1`. */
export async function putImage(
  store: ContentStore,
  {family = 'oci', config, labels, layers, tag = 'v1'}: PutImage,
): Promise<Descriptor> {
  const stored = []
  for (const layer of layers) stored.push(await putLayer(store, family, layer))
  const document = {
    created: '2024-01-01T00:00:00Z',
    architecture: 'amd64',
    os: 'linux',
    config: {Cmd: ['sh'], ...(labels && {Labels: labels})},
    rootfs: {type: 'layers', diff_ids: stored.map(({diffId}) => diffId)},
    history: stored.map((_, position) => ({created_by: `step ${position}`})),
    ...config,
  }
  const descriptors = stored.map(({descriptor}) => descriptor)
  return putDocuments(store, {family, config: document, layers: descriptors, tag})
}

async function putLayer(store: ContentStore, family: MediaFamily, layer: PutLayer) {
  const {entries = [], blob, missing, urls, annotations} = layer
  const {mediaType = layerMediaType(family, 'gzip')} = layer
  const extra = {...(urls && {urls}), ...(annotations && {annotations})}
  if (blob || missing) {
    const bytes = blob ?? Buffer.from('nowhere')
    const own = {digest: digestOf(bytes), size: bytes.length}
    const {digest, size} = missing ? own : await store.putBlob(bytesSource(bytes))
    return {descriptor: {mediaType, digest, size, ...extra}, diffId: layer.diffId ?? digest}
  }
  const source = packLayer(() => entries)
  const {digest, size} = await store.putBlob(source)
  const {diffId} = source.content()
  return {descriptor: {mediaType, digest, size, ...extra}, diffId: layer.diffId ?? diffId}
}
