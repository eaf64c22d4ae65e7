import {mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {type ProgressEvent, setup, update, type UpdateSettings} from '../../../src/index.js'
import type {Descriptor} from '../../../src/oci/descriptor.js'
import {ociIndex, ociManifest} from '../../../src/oci/media-type.js'
import type {ContentStore} from '../../../src/store/content-store.js'
import {referrersTag} from '../../../src/store/referrer-lister.js'
import {startDockerRegistry} from '../../support/docker-registry.js'
import {bytesSource} from '../../support/layout-image.js'
import {putIndex} from '../../support/layout-index.js'
import {openRegistry} from '../../support/open-registry.js'
import {makeEntry, putImage} from '../../support/put-image.js'
import {serveRegistry} from '../../support/served-registry.js'
import {tempDir} from '../../support/temp-dir.js'
import {describeWith} from '../../support/tools.js'

async function start(address: string) {
  const {store} = openRegistry(address)
  const tree = join(await tempDir(), 'tree')
  mkdirSync(tree)
  writeFileSync(join(tree, 'file'), 'content')
  const image = `${address}/team/app:v1`
  const warnings: string[] = []
  const onEvent = (event: ProgressEvent): void => {
    if (event.kind === 'warning') warnings.push(event.message)
  }
  const updated = (options: UpdateSettings = {}) => update(image, tree, {...options, onEvent})
  return {store, tree, image, warnings, onEvent, updated}
}

/**
 * An artifact about an image, as clients push it where the registry lists referrers or does not.
 */
async function putArtifact(
  store: ContentStore,
  artifactType: string,
  subject?: Descriptor,
  tag?: string,
): Promise<Descriptor & {readonly artifactType: string}> {
  const {digest} = await store.putBlob(bytesSource(Buffer.from('{}')))
  const empty = {mediaType: 'application/vnd.oci.empty.v1+json', digest, size: 2}
  const about = {artifactType, config: empty, layers: [empty], subject}
  const manifest = {schemaVersion: 2, mediaType: ociManifest, ...about}
  const tags = tag === undefined ? [] : [{tag, from: undefined}]
  const stored = await store.putManifest(Buffer.from(JSON.stringify(manifest)), ociManifest, {tags})
  return {...stored, artifactType}
}

const base = {layers: [{entries: [makeEntry('etc/')]}]}
const signature = 'application/vnd.dev.sigstore.bundle.v0.3+json'
const sbom = 'application/spdx+json'

describe('what refers to the image before', () => {
  it('M36 is counted and named when the first slot is put in, and not again', async () => {
    const {store, image, warnings, onEvent, updated} = await start((await serveRegistry()).address)
    const vendor = await putImage(store, base)
    for (const text of [signature, signature, sbom]) {
      const artifact = await putArtifact(store, text, vendor)
      await putArtifact(store, `${text}; about an artifact`, artifact)
    }
    await updated({dryRun: true})
    expect(warnings).toEqual([])
    await setup(image, {tags: ['other'], onEvent, dryRun: true})
    expect(warnings).toEqual([])
    await setup(image, {tags: ['other'], onEvent})
    // the two signatures are one artifact: they are the same bytes
    const said = `2 artifacts refer to what was there before (${vendor.digest}), and none to the new image: `
    expect(warnings).toEqual([expect.stringContaining(said)])
    expect(warnings[0]).toContain(signature)
    expect(warnings[0]).toContain(sbom)
    await setup(image, {tags: ['other'], onEvent})
    await updated()
    expect(warnings).toHaveLength(1)
  })

  it('of an index and of its images', async () => {
    const {store, warnings, updated} = await start((await serveRegistry()).address)
    const [amd64, arm64] = await putIndex(store, {platforms: ['linux/amd64', 'linux/arm64']})
    const index = await store.getManifest('v1')
    if (!index || !amd64 || !arm64) throw new Error('no index')
    await putArtifact(store, signature, index.descriptor)
    await putArtifact(store, signature, amd64)
    await putArtifact(store, sbom, arm64)
    await updated({platforms: ['linux/amd64']})
    expect(warnings).toEqual([
      `2 artifacts refer to what was there before (${index.descriptor.digest}), and none to the new image: 2 x ${signature}`,
    ])
  })

  it('nothing is said where there is nothing', async () => {
    const {store, warnings, updated} = await start((await serveRegistry()).address)
    await putIndex(store, {platforms: ['linux/amd64']})
    await updated({platforms: 'all'})
    expect(warnings).toEqual([])
  })
})

describeWith(['docker-registry'], 'a registry that lists no referrers', () => {
  it('has them under tags, and signatures as cosign tags them', async () => {
    const {store, image, warnings, onEvent} = await start((await startDockerRegistry()).address)
    const vendor = await putImage(store, base)
    const listed = await putArtifact(store, sbom, vendor)
    const list = {schemaVersion: 2, mediaType: ociIndex, manifests: [listed]}
    const tags = [{tag: referrersTag(vendor.digest), from: undefined}]
    await store.putManifest(Buffer.from(JSON.stringify(list)), ociIndex, {tags})
    await putArtifact(store, signature, undefined, `${referrersTag(vendor.digest)}.sig`)
    await setup(image, {onEvent})
    expect(warnings).toEqual([
      `2 artifacts refer to what was there before (${vendor.digest}), and none to the new image: ${sbom}, a signature by cosign`,
    ])
  })
})
