import {createHash} from 'node:crypto'
import {mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {gzipSync} from 'node:zlib'

const oci = 'application/vnd.oci'

/**
 * An OCI layout with an image, an index over it and an artifact that refers to it; `data` names
 * them as the conformance suite wants to be told.
 */
export function makeFixture(folder) {
  const layout = join(folder, 'layout')
  mkdirSync(join(layout, 'blobs/sha256'), {recursive: true})
  const put = (mediaType, content, more = {}) => {
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content))
    const hex = createHash('sha256').update(bytes).digest('hex')
    writeFileSync(join(layout, 'blobs/sha256', hex), bytes)
    return {mediaType, digest: `sha256:${hex}`, size: bytes.length, ...more}
  }
  // two empty blocks end a tar
  const tar = Buffer.alloc(1024)
  const diffId = `sha256:${createHash('sha256').update(tar).digest('hex')}`
  const layer = put(`${oci}.image.layer.v1.tar+gzip`, gzipSync(tar))
  const platform = {architecture: 'amd64', os: 'linux'}
  const rootfs = {type: 'layers', diff_ids: [diffId]}
  const config = put(`${oci}.image.config.v1+json`, {...platform, rootfs})
  const manifest = `${oci}.image.manifest.v1+json`
  const head = {schemaVersion: 2, mediaType: manifest}
  const image = put(manifest, {...head, config, layers: [layer]})
  const mediaType = `${oci}.image.index.v1+json`
  const manifests = [{...image, platform}]
  const index = put(mediaType, {schemaVersion: 2, mediaType, manifests})
  const empty = put(`${oci}.empty.v1+json`, {})
  const artifactType = 'application/vnd.example'
  const artifact = put(manifest, {
    ...head,
    artifactType,
    config: empty,
    layers: [empty],
    subject: image,
  })
  const named = (descriptor, tag) => {
    return {...descriptor, annotations: {'org.opencontainers.image.ref.name': tag}}
  }
  const entries = [named(image, 'image'), named(index, 'index'), artifact]
  writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  writeFileSync(join(layout, 'index.json'), JSON.stringify({schemaVersion: 2, manifests: entries}))
  const digests = (...all) => all.map(({digest}) => digest).join(' ')
  return {
    layout,
    data: {
      OCI_RO_DATA_TAGS: 'image index',
      OCI_RO_DATA_MANIFESTS: digests(image, index, artifact),
      OCI_RO_DATA_BLOBS: digests(config, layer, empty),
      OCI_RO_DATA_REFERRERS: digests(image),
    },
  }
}
