import {join} from 'node:path'
import {packLayer} from '../../src/layer/pack/pack.js'
import {layerMediaType} from '../../src/oci/media-type.js'
import {openLayoutStore} from '../../src/store/layout/layout-store.js'
import {streamOf} from '../../src/stream/bytes.js'
import {putDocuments} from './put-documents.js'

export const bytesSource = (bytes: Uint8Array) => ({open: () => streamOf(bytes)})

/**
 * An OCI layout with a one-layer image tagged `v1`, made in a moment and without any tool. Returns
 * `oci:DIR:v1`.
 */
export async function makeLayoutImage(
  folder: string,
  change: {config?: object; manifest?: object} = {},
): Promise<string> {
  const directory = join(folder, 'images')
  const store = await openLayoutStore(directory, {create: true})
  const layer = packLayer(() => [
    {
      entry: {
        kind: 'directory',
        path: 'etc',
        mode: 0o755,
        uid: 0,
        gid: 0,
        mtime: 0,
        xattrs: undefined,
      },
    },
  ])
  const {digest, size} = await store.putBlob(layer)
  const config = {
    created: '2024-01-01T00:00:00Z',
    architecture: 'amd64',
    os: 'linux',
    config: {Cmd: ['sh']},
    rootfs: {type: 'layers', diff_ids: [layer.content().diffId]},
    history: [{created: '2024-01-01T00:00:00Z', created_by: 'base'}],
    ...change.config,
  }
  const layers = [{mediaType: layerMediaType('oci', 'gzip'), digest, size}]
  const {manifest: members = {}} = change
  await putDocuments(store, {config, layers, members, tag: 'v1'})
  await store.close()
  return `oci:${directory}:v1`
}
