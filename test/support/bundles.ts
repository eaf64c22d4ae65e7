import {writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {ociLayer} from '../../src/oci/media-type.js'
import {parseReference} from '../../src/oci/names/reference.js'
import {parseBundlePlace} from '../../src/operations/bundle/bundle-place.js'
import {have, haveText} from '../../src/operations/bundle/have.js'
import {type LoadOptions, loadBundle} from '../../src/operations/bundle/load-bundle.js'
import {saveBundle, type SaveBundleOptions} from '../../src/operations/bundle/save-bundle.js'
import type {Ports} from '../../src/ports.js'
import {openRegistryStore} from '../../src/registry/registry-store.js'
import type {ContentStore} from '../../src/store/content-store.js'
import {openLayoutStore} from '../../src/store/layout/layout-store.js'

import {bytesSource} from './layout-image.js'
import {putDocuments} from './put-documents.js'

/** Ports to registries and layouts that know nothing of the machine's credentials. */
export const bundlePorts: Ports = {
  openStore(reference, options) {
    if (reference.kind === 'layout') return openLayoutStore(reference.directory, options)
    if (reference.kind !== 'registry') throw new Error('only registries and layouts')
    const how = {env: {}, home: '/nonexistent', retries: {attempts: 5, firstDelay: 1}}
    return Promise.resolve(openRegistryStore(reference, {...how, ...options}))
  },
  report: () => undefined,
  signal: new AbortController().signal,
}

/** `inject save --bundle IMAGE... -o FILE` in this process. */
export function saveTo(
  file: string,
  images: readonly string[],
  more: Partial<SaveBundleOptions> = {},
) {
  const options = {
    images: images.map((text) => parseReference(text)),
    names: [],
    output: {kind: 'file', path: file},
    temporary: tmpdir(),
  } as const
  return saveBundle({...options, ...more}, bundlePorts)
}

/** `inject load FILE TO`. */
export function loadInto(to: string, file: string, more: Partial<LoadOptions> = {}) {
  const place = parseBundlePlace(to, 'TO')
  const options = {file, to: place, dryRun: false, mounts: true, temporary: tmpdir()}
  return loadBundle({...options, ...more}, bundlePorts)
}

/** `inject have PLACE > FILE`; gives the file. */
export async function haveOf(place: string, folder: string): Promise<string> {
  const result = await have(parseBundlePlace(place, 'PLACE'), bundlePorts)
  const file = join(folder, 'have.txt')
  writeFileSync(file, `${haveText(result)}\n`)
  return file
}

/** An image of these layers; each is as large as its name says, or 100 kB: `base` or `tiny:10`. */
export async function putLayers(store: ContentStore, layers: readonly string[], tag: string) {
  const descriptors = []
  for (const layer of layers) {
    const [, size = '100000'] = layer.split(':')
    const {digest, size: length} = await store.putBlob(
      bytesSource(Buffer.alloc(Number(size), layer)),
    )
    descriptors.push({mediaType: ociLayer, digest, size: length})
  }
  const rootfs = {type: 'layers', diff_ids: descriptors.map(({digest}) => digest)}
  const config = {os: 'linux', architecture: 'amd64', author: layers.join(' '), rootfs}
  return putDocuments(store, {config, layers: descriptors, tag})
}
