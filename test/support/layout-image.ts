import {join} from 'node:path'
import {packLayer} from '../../src/layer/pack.js'
import {openLayoutStore} from '../../src/store/layout-store.js'
import {streamOf} from '../../src/stream/stream-of.js'

export const bytesSource = (bytes: Uint8Array) => ({open: () => streamOf(bytes)})

/** An OCI layout with a one-layer image tagged `v1`, made in a moment and without any tool. Returns `oci:DIR:v1`. */
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
  const configBlob = await store.putBlob(bytesSource(Buffer.from(JSON.stringify(config))))
  const mediaType = 'application/vnd.oci.image.manifest.v1+json'
  const manifest = {
    schemaVersion: 2,
    mediaType,
    config: {
      mediaType: 'application/vnd.oci.image.config.v1+json',
      digest: configBlob.digest,
      size: configBlob.size,
    },
    layers: [{mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size}],
    ...change.manifest,
  }
  await store.putManifest(Buffer.from(JSON.stringify(manifest)), mediaType, {
    tags: [{tag: 'v1', from: undefined}],
  })
  await store.close()
  return `oci:${directory}:v1`
}
