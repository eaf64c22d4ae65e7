import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {ociIndex, ociManifest} from '../../../src/oci/media-type.js'
import {streamOf} from '../../../src/stream/bytes.js'
import {
  digestAt,
  fleetFolder,
  putVendors,
  repositoryAt,
  writeSource,
} from '../../support/fleet-runs.js'
import {putImage, smallLayer} from '../../support/put-image.js'
import {type ServedRegistry, serveRegistry} from '../../support/served-registry.js'

const slots = [{name: 'certs', source: './certs', path: '/etc/ssl/certs'}]

async function withImages(count: number) {
  const registry = await serveRegistry()
  const images = await putVendors(registry.address, count)
  const fleet = await fleetFolder()
  writeSource(join(fleet.folder, 'certs'), {'ca.pem': 'content'})
  return {registry, images, fleet}
}

type Break = (registry: ServedRegistry) => Promise<string>

/** Each makes an image that cannot be changed, and returns its reference. */
const broken: readonly (readonly [title: string, code: string, make: Break])[] = [
  [
    'a repository that is gone',
    'ERR_INJECT_IMAGE_NOT_FOUND',
    ({address}) => Promise.resolve(`${address}/gone/app:v1`),
  ],
  [
    'a tag that is gone',
    'ERR_INJECT_IMAGE_NOT_FOUND',
    async ({address}) => {
      await putImage(repositoryAt(address, 'tags/app'), {layers: [smallLayer('x')]})
      return `${address}/tags/app:v9`
    },
  ],
  [
    'an index of an image that is not there',
    'ERR_INJECT_MANIFEST_BLOB_UNKNOWN',
    async ({address}) => {
      const store = repositoryAt(address, 'broken/app')
      const digest = `sha256:${'0'.repeat(64)}`
      const platform = {os: 'linux', architecture: 'amd64'}
      const mediaType = 'application/vnd.oci.image.manifest.v1+json'
      const manifests = [{mediaType, digest, size: 100, platform}]
      const index = {schemaVersion: 2, mediaType: ociIndex, manifests}
      const bytes = Buffer.from(JSON.stringify(index))
      await store.putManifest(bytes, ociIndex, {tags: [{tag: 'v1', from: undefined}]})
      return `${address}/broken/app:v1`
    },
  ],
  [
    'an artifact',
    'ERR_INJECT_NOT_AN_IMAGE',
    async ({address}) => {
      const store = repositoryAt(address, 'artifact/app')
      const {digest, size} = await store.putBlob({open: () => streamOf(Buffer.from('{}'))})
      const config = {mediaType: 'application/vnd.example.config', digest, size}
      const manifest = {schemaVersion: 2, mediaType: ociManifest, config, layers: []}
      const bytes = Buffer.from(JSON.stringify(manifest))
      await store.putManifest(bytes, ociManifest, {tags: [{tag: 'v1', from: undefined}]})
      return `${address}/artifact/app:v1`
    },
  ],
  [
    'an image without its config',
    'ERR_INJECT_CONFIG_INVALID',
    async ({address}) => {
      const store = repositoryAt(address, 'config/app')
      await putImage(store, {layers: [smallLayer('x')], config: {rootfs: 'nothing'}})
      return `${address}/config/app:v1`
    },
  ],
  [
    'an image of more layers than diff IDs',
    'ERR_INJECT_IMAGE_INCONSISTENT',
    async ({address}) => {
      const store = repositoryAt(address, 'counts/app')
      const rootfs = {type: 'layers', diff_ids: []}
      await putImage(store, {layers: [smallLayer('x')], config: {rootfs}})
      return `${address}/counts/app:v1`
    },
  ],
  [
    'an image whose slot has lost its layer',
    'ERR_INJECT_SLOT_LOST',
    async ({address}) => {
      const labels = {certs_injection_tar: `sha256:${'1'.repeat(64)}`}
      await putImage(repositoryAt(address, 'lost/app'), {labels, layers: [smallLayer('x')]})
      return `${address}/lost/app:v1`
    },
  ],
  [
    'an image whose slot belongs to another fleet',
    'ERR_INJECT_FLEET_OTHER',
    async ({address}) => {
      const other = await fleetFolder()
      await putImage(repositoryAt(address, 'other/app'), {layers: [smallLayer('x')]})
      writeSource(join(other.folder, 'certs'), {'ca.pem': 'other'})
      other.write({fleet: 'other', images: [`${address}/other/app:v1`], slots})
      await other.apply()
      return `${address}/other/app:v1`
    },
  ],
]

describe('images that fail', () => {
  it('are each named once, with a reason and what to do; the others are done', async () => {
    const {registry, images, fleet} = await withImages(12)
    const failing: string[] = []
    for (const [, , make] of broken) {
      // a registry need not check what an index lists
      const made = await make(registry).catch(() => undefined)
      if (made !== undefined) failing.push(made)
    }
    expect(failing.length).toBeGreaterThanOrEqual(broken.length - 1)
    fleet.write({fleet: 'certs', images: [...images, ...failing], slots})
    const {outcomes, totals} = await fleet.apply()
    expect(totals).toEqual({updated: 12, failed: failing.length})
    for (const image of failing) {
      const [outcome, ...more] = outcomes.filter(({reference}) => reference === image)
      expect(more).toEqual([])
      expect(outcome?.reason).not.toContain('\n')
      expect(outcome).toMatchObject({status: 'failed', after: null})
      expect(outcome?.code).toMatch(/^ERR_INJECT_/)
      expect(outcome?.nextStep ?? outcome?.reason).toBeTruthy()
    }
    const codes = failing.map((image) => outcomes.find((o) => o.reference === image)?.code)
    for (const [, code] of broken.filter(([title]) => !title.startsWith('an index')))
      expect(codes).toContain(code)
  })

  it('are of unknown state where their registry does not answer', async () => {
    const {images, fleet} = await withImages(2)
    const silent = '127.0.0.1:1/team/app:v1'
    fleet.write({images: [...images, silent], slots})
    const {outcomes} = await fleet.apply()
    expect(outcomes.find(({reference}) => reference === silent)).toMatchObject({
      status: 'unknown',
      code: 'ERR_INJECT_NETWORK',
    })
    expect(outcomes.filter(({status}) => status === 'updated')).toHaveLength(2)
  })

  it('end the run after so many, and the rest is named as not started', async () => {
    const {registry, images, fleet} = await withImages(4)
    const gone = ['a', 'b'].map((name) => `${registry.address}/gone/${name}:v1`)
    fleet.write({images: [...gone, ...images], slots})
    const {totals, outcomes} = await fleet.apply({maxFailures: 2, jobs: 1})
    expect(totals).toEqual({failed: 2, 'not-started': 4})
    expect(outcomes.find(({status}) => status === 'not-started')?.nextStep).toBeTruthy()
  })

  it('do not include a target that was made by something else', async () => {
    const {registry, images, fleet} = await withImages(1)
    await putImage(repositoryAt(registry.address, 'team/app'), {layers: [smallLayer('mine')]})
    const before = await digestAt(`${registry.address}/team/app:v1`)
    fleet.write({images: [{image: images[0], target: '{{registry}}/team/app:v1'}], slots})
    expect((await fleet.apply()).outcomes).toMatchObject([
      {status: 'failed', code: 'ERR_INJECT_FLEET_TARGET'},
    ])
    expect(await digestAt(`${registry.address}/team/app:v1`)).toBe(before)
  })

  it('are not tried where a source is not there, or has what the run writes', async () => {
    const {registry, images, fleet} = await withImages(2)
    registry.records.splice(0)
    fleet.write({images, slots: [{name: 'certs', source: './nothing'}]})
    await expect(fleet.apply()).rejects.toMatchObject({code: 'ERR_INJECT_LOCAL_IO'})
    fleet.write({images, slots: [{name: 'certs', source: '.'}]})
    await expect(fleet.apply()).rejects.toMatchObject({code: 'ERR_INJECT_OUTPUT_IN_DIRECTORY'})
    expect(registry.records).toEqual([])
  })

  it('are refused beforehand where two would have one target', async () => {
    const {registry, images, fleet} = await withImages(2)
    fleet.write({images, slots, defaults: {target: `${registry.address}/team/app:all`}})
    await expect(fleet.apply()).rejects.toThrow(/fleet\.yaml:1:\d+: .* have the same target/)
  })
})
