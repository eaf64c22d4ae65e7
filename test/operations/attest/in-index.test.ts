import {describe, expect, it} from 'vitest'
import {indexAttestation} from '../../../src/attest/index-attestation.js'
import {decodeStatement} from '../../../src/attest/statement.js'
import {decodeIndex, type IndexEntry} from '../../../src/oci/image-index.js'
import {decodeManifest} from '../../../src/oci/manifest.js'
import {ociIndex} from '../../../src/oci/media-type.js'
import {parseReference} from '../../../src/oci/names/reference.js'
import {readDocument} from '../../../src/operations/attest/read-referrers.js'
import {history} from '../../../src/operations/history.js'
import {inspect} from '../../../src/operations/inspect.js'
import {rebase} from '../../../src/operations/rebase.js'
import {remove} from '../../../src/operations/remove.js'
import {rollback} from '../../../src/operations/rollback.js'
import {sbom} from '../../../src/operations/sbom.js'
import {setup} from '../../../src/operations/setup.js'
import {status} from '../../../src/operations/status.js'
import {tree} from '../../../src/operations/tree.js'
import {update} from '../../../src/operations/update.js'
import type {ContentStore} from '../../../src/store/content-store.js'
import {
  attestBy,
  attestedScene,
  makeParty,
  ourName,
  type Scene,
  vendorName,
} from '../../support/attested.js'
import {bytesSource} from '../../support/layout-image.js'
import {putDocuments} from '../../support/put-documents.js'
import {severalPlaces} from '../../support/several-places.js'
import {injectionRequest, type UpdateOptions, updateRequest} from '../../support/update-options.js'
import {makeTree, putVendor, putVendorIndex} from '../../support/vendor.js'

const describeInIndex = indexAttestation
const ours = parseReference(`${ourName}:data`)
const processors = ['amd64', 'arm64']
const putIndex = (store: ContentStore, version = 'one') =>
  putVendorIndex(store, version, processors, {attestations: true})

/** A vendor's index, ours made from it, with attestations in it. */
const indexScene = () =>
  attestedScene((store) => putIndex(store), {platforms: 'all'}, {describeInIndex})
/** The same of a single image. */
const singleScene = () => attestedScene((store) => putVendor(store, 'one'), {}, {describeInIndex})

interface Again extends Partial<UpdateOptions> {
  readonly plain?: boolean
}

async function again(
  {places, us}: Pick<Scene, 'places' | 'us'>,
  content: string,
  {plain = false, ...options}: Again = {},
) {
  const directory = await makeTree({'cvmfs/file': content})
  const request = updateRequest({reference: ours, directory, ...options})
  const attest = plain ? undefined : attestBy(us, {describeInIndex})
  return update(request, {...places, attest})
}

async function entriesAt(store: ContentStore, name: string): Promise<readonly IndexEntry[]> {
  const stored = await store.getManifest(name)
  return decodeIndex(stored!.bytes, stored!.descriptor.mediaType).manifests
}

const isAbout = ({annotations}: IndexEntry) =>
  annotations?.['vnd.docker.reference.type'] === 'attestation-manifest'

/** As `docker buildx imagetools inspect --format '{{json .Provenance}}'` finds it, by platform. */
async function provenanceIn(store: ContentStore, name: string) {
  const entries = await entriesAt(store, name)
  const about = entries.filter(isAbout)
  const found: Record<string, unknown> = {}
  for (const {digest, platform} of entries.filter((entry) => !isAbout(entry))) {
    for (const entry of about) {
      if (entry.annotations?.['vnd.docker.reference.digest'] !== digest) continue
      const stored = await store.getManifest(entry.digest)
      for (const layer of decodeManifest(stored!.bytes, entry.mediaType).layers) {
        const type = layer.annotations?.['in-toto.io/predicate-type'] ?? ''
        if (layer.mediaType !== 'application/vnd.in-toto+json') continue
        if (!type.startsWith('https://slsa.dev/provenance/')) continue
        const {subject, predicate} = decodeStatement(await readDocument(store, layer, {}))
        expect(subject).toEqual([{name: '_', digest: {sha256: digest.slice(7)}}])
        found[platform!.architecture] = predicate
      }
    }
  }
  return found
}

const {target, publish} = injectionRequest()
const rebaseRequest = {
  ...{image: {reference: ours}, target, publish, force: false},
  ...({platforms: 'intersect', look: 'none'} as const),
}

describe('an index', () => {
  it('has what BuildKit would say of each image, and reads as buildx reads it', async () => {
    const scene = await indexScene()
    const entries = await entriesAt(scene.ours, 'data')
    expect(entries.map((entry) => [entry.platform?.architecture, isAbout(entry)])).toEqual([
      ['amd64', false],
      ['arm64', false],
      ['unknown', true],
      ['unknown', true],
    ])
    const found = await provenanceIn(scene.ours, 'data')
    expect(Object.keys(found)).toEqual(processors)
    const vendors = await entriesAt(scene.vendor, 'v1')
    for (const [at, processor] of processors.entries()) {
      expect(found[processor]).toMatchObject({
        buildDefinition: {
          internalParameters: {images: [{platform: `linux/${processor}`}]},
          resolvedDependencies: [{digest: {sha256: vendors[at]?.digest.slice(7)}}],
        },
      })
    }
    expect(await scene.check()).toMatchObject({proven: true})
  })

  it('is unchanged by the same update, and has new ones in the old places after another', async () => {
    const scene = await indexScene()
    const same = await again(scene, 'content', {platforms: 'all'})
    expect(same).toMatchObject({changed: false, digest: scene.digest, attestationsAdded: 0})
    const other = await again(scene, 'other', {platforms: 'all'})
    expect(other).toMatchObject({changed: true, attestationsAdded: 2, attestationsDropped: 0})
    const entries = await entriesAt(scene.ours, 'data')
    expect(entries).toHaveLength(4)
    expect(Object.keys(await provenanceIn(scene.ours, 'data'))).toEqual(processors)
    const back = await again(scene, 'content', {platforms: 'all'})
    expect(await entriesAt(scene.ours, 'data')).toEqual(await entriesAt(scene.ours, scene.digest))
    expect(back.changed).toBe(true)
  })

  it('keeps what is said of images that stay, by us and by others', async () => {
    const scene = await attestedScene(
      (store) => putIndex(store),
      {platforms: [{os: 'linux', architecture: 'amd64'}]},
      {describeInIndex},
    )
    const vendors = await entriesAt(scene.vendor, 'v1')
    const now = await entriesAt(scene.ours, 'data')
    const [, , first, second] = vendors
    expect(now.map(({digest}) => digest)).not.toContain(first?.digest)
    expect(now).toContainEqual(second)
    const arm = [{os: 'linux', architecture: 'arm64'}]
    const result = await again(scene, 'content', {platforms: arm})
    expect(result).toMatchObject({attestationsAdded: 1, attestationsDropped: 1})
    expect(Object.keys(await provenanceIn(scene.ours, 'data'))).toEqual(processors)
  })

  it('never keeps ours of an image that is gone', async () => {
    const scene = await indexScene()
    const kept = await again(scene, 'other', {platforms: 'all', attestations: 'keep'})
    expect(kept).toMatchObject({attestationsAdded: 2})
    expect(await entriesAt(scene.ours, 'data')).toHaveLength(4)
    const plain = await again(scene, 'third', {platforms: 'all', attestations: 'keep', plain: true})
    expect(plain).toMatchObject({attestationsAdded: 0, attestationsDropped: 2})
    expect(await entriesAt(scene.ours, 'data')).toHaveLength(2)
  })

  it('is planned with them: a dry run has the digest that the run makes', async () => {
    const places = severalPlaces()
    await putIndex(places.place(vendorName))
    const directory = await makeTree({'cvmfs/file': 'content'})
    const reference = parseReference(`${vendorName}:v1`)
    const options = {reference, directory, tags: ['data'], platforms: 'all'} as const
    const attest = attestBy(undefined, {describeInIndex})
    const dry = await update(updateRequest({...options, dryRun: true}), {...places, attest})
    expect(dry).toMatchObject({digest: null, attestationsAdded: 2})
    expect(await places.place(vendorName).statManifest('data')).toBeUndefined()
    const made = await update(updateRequest(options), {...places, attest})
    const planned = await update(updateRequest({...options, tags: ['next'], dryRun: true}), {
      ...places,
      attest,
    })
    expect(planned).toMatchObject({digest: null, attestationsAdded: 2})
    expect(made).toMatchObject({attestationsAdded: 2, attestationsDropped: 2})
  })

  it('is made by a rebase, whose images have them in the places of the old ones', async () => {
    const scene = await indexScene()
    await putIndex(scene.vendor, 'two')
    const ports = {...scene.places, attest: attestBy(scene.us, {describeInIndex})}
    const dry = await rebase({...rebaseRequest, publish: {...publish, dryRun: true}}, ports)
    const result = await rebase(rebaseRequest, ports)
    expect(result).toMatchObject({attestationsAdded: 2, attestationsDropped: 2})
    expect(dry.digest).toBe(result.digest)
    expect(Object.keys(await provenanceIn(scene.ours, 'data'))).toEqual(processors)
    expect(await again(scene, 'content', {platforms: 'all'})).toMatchObject({changed: false})
  })

  it("in Docker's format is refused, unless it is converted", async () => {
    const places = severalPlaces()
    const store = places.place(ourName)
    await putVendorIndex(store, 'one', processors, {family: 'docker', tag: 'data'})
    const before = await store.statManifest('data')
    const scene = {places, us: makeParty()}
    await expect(again(scene, 'content', {platforms: 'all'})).rejects.toMatchObject({
      code: 'ERR_INJECT_ATTEST_NEEDS_OCI',
    })
    expect(await store.statManifest('data')).toBe(before)
    await again(scene, 'content', {platforms: 'all', toOci: true})
    expect(Object.keys(await provenanceIn(store, 'data'))).toEqual(processors)
  })
})

describe('a single image', () => {
  it('becomes an index, which needs no --platform, and stays as it is', async () => {
    const scene = await singleScene()
    const stored = await scene.ours.getManifest('data')
    expect(stored?.descriptor.mediaType).toBe(ociIndex)
    expect(Object.keys(await provenanceIn(scene.ours, 'data'))).toEqual(['amd64'])
    const same = await again(scene, 'content')
    expect(same).toMatchObject({changed: false, digest: scene.digest, tags: []})
    const from = parseReference(`${vendorName}:v1`)
    const fresh = await again(scene, 'content', {reference: from, to: ours})
    expect(fresh).toMatchObject({digest: scene.digest, tags: []})
    expect(await scene.check()).toMatchObject({proven: true})
  })

  it('stays one unless that is asked for', async () => {
    const scene = await attestedScene((store) => putVendor(store, 'one'))
    expect((await scene.ours.getManifest('data'))?.descriptor.mediaType).not.toBe(ociIndex)
  })

  it('with its content already becomes one, and the run says what it added', async () => {
    const scene = await attestedScene((store) => putVendor(store, 'one'))
    const dry = await again(scene, 'content', {dryRun: true})
    expect(dry).toMatchObject({changed: true, attestationsAdded: 1, tags: ['data']})
    const made = await again(scene, 'content')
    expect(made).toMatchObject({digest: dry.digest, changed: true, attestationsAdded: 1})
    expect(made).toMatchObject({images: [{changed: false}]})
    expect(await scene.check()).toMatchObject({proven: true})
  })

  it('has the note of the run as an index, and not as an image', async () => {
    const scene = await attestedScene((store) => putVendor(store, 'one'))
    await again(scene, 'other')
    const stored = await scene.ours.getManifest('data')
    const {annotations, manifests} = decodeIndex(stored!.bytes, ociIndex)
    expect(annotations?.['dev.inject.run']).toContain(scene.digest)
    const image = await scene.ours.getManifest(manifests[0]!.digest)
    const own = decodeManifest(image!.bytes, image!.descriptor.mediaType).annotations
    expect(own).toHaveProperty(['dev.inject.base'])
    expect(own).not.toHaveProperty(['dev.inject.run'])
  })

  it('is a dry run that says so before anything is packed', async () => {
    const scene = await attestedScene((store) => putVendor(store, 'one'))
    const dry = await again(scene, 'other', {dryRun: true})
    expect(dry).toMatchObject({digest: null, attestationsAdded: 1})
  })

  it('is the original again when the slot is removed, where that is', async () => {
    const places = severalPlaces()
    const store = places.place(vendorName)
    const original = await putVendor(store, 'one')
    const scene = {places, us: makeParty()}
    const reference = parseReference(`${vendorName}:v1`)
    await again(scene, 'content', {reference, tags: ['data']})
    const data = parseReference(`${vendorName}:data`)
    const dry = await remove(injectionRequest({reference: data, dryRun: true}), places)
    expect(dry).toMatchObject({original: true, attestationsDropped: 1, digest: original.digest})
    await remove(injectionRequest({reference: data}), places)
    expect(await store.statManifest('data')).toBe(original.digest)
  })

  it('stays an index where the original is not there', async () => {
    const scene = await singleScene()
    const result = await remove(injectionRequest({reference: ours}), scene.places)
    expect(result).toMatchObject({original: false, attestationsDropped: 1})
    expect(await entriesAt(scene.ours, 'data')).toHaveLength(1)
  })

  it('follows the vendor: status, and a rebase with and without them', async () => {
    const scene = await singleScene()
    const look = () => status({images: [ours], base: undefined, content: undefined}, scene.places)
    expect((await look()).changed).toBe(false)
    const next = await putVendor(scene.vendor, 'two')
    expect((await look()).images).toMatchObject([{moved: true, to: next.digest}])
    const ports = {...scene.places, attest: attestBy(scene.us, {describeInIndex})}
    const attested = await rebase(rebaseRequest, ports)
    expect(attested).toMatchObject({changed: true, attestationsAdded: 1, attestationsDropped: 0})
    expect(Object.keys(await provenanceIn(scene.ours, 'data'))).toEqual(['amd64'])
    expect((await look()).changed).toBe(false)
    expect(await again(scene, 'content')).toMatchObject({digest: attested.digest, changed: false})
    await putVendor(scene.vendor, 'three')
    const plain = await rebase(rebaseRequest, scene.places)
    expect(plain).toMatchObject({attestationsAdded: 0, attestationsDropped: 1})
    expect((await scene.ours.getManifest('data'))?.descriptor.mediaType).not.toBe(ociIndex)
  })

  it('has a history, and is rolled back', async () => {
    const scene = await singleScene()
    const other = await again(scene, 'other')
    const {history: states} = await history({reference: ours, most: 10}, scene.places)
    expect(states.map(({digest}) => digest)).toEqual([other.digest, scene.digest])
    const to = {kind: 'steps', count: 1} as const
    const back = await rollback({reference: ours, to, tags: [], dryRun: false}, scene.places)
    expect(back.digest).toBe(scene.digest)
    expect(await scene.check()).toMatchObject({proven: true})
  })

  it('loses what was said of it by a run that says nothing, with a word', async () => {
    const scene = await singleScene()
    const plain = await again(scene, 'other', {plain: true})
    expect(plain).toMatchObject({attestationsDropped: 1})
    expect(await entriesAt(scene.ours, 'data')).toHaveLength(1)
    const named = await setup(
      injectionRequest({reference: ours, name: 'second', path: '/opt/b'}),
      scene.places,
    )
    expect(named).toMatchObject({attestationsDropped: 0, images: [{changed: true}]})
  })

  it('may have slots of others, and all are named', async () => {
    const scene = await singleScene()
    const options = {name: 'second', path: '/opt/b'}
    const directory = await makeTree({file: 'x'})
    const attest = attestBy(scene.us, {describeInIndex})
    await update(updateRequest({reference: ours, directory, ...options}), {...scene.places, attest})
    const {amd64} = await provenanceIn(scene.ours, 'data')
    expect(amd64).toMatchObject({
      buildDefinition: {externalParameters: {slots: [{name: 'cvmfs'}, options]}},
    })
    const removed = await remove(injectionRequest({reference: ours, name: 'second'}), scene.places)
    expect(removed).toMatchObject({original: false, attestationsDropped: 1})
  })
})

interface EntryJson {
  digest: string
  size: number
  annotations?: Record<string, string>
  [member: string]: unknown
}

/** Moves our tag to the index with other entries, and proves that. */
async function forged(scene: Scene, edit: (entries: EntryJson[]) => EntryJson[]) {
  const stored = await scene.ours.getManifest('data')
  const index = JSON.parse(Buffer.from(stored!.bytes).toString()) as {manifests: EntryJson[]}
  const bytes = Buffer.from(JSON.stringify({...index, manifests: edit(index.manifests)}))
  await scene.ours.putManifest(bytes, ociIndex, {tags: [{tag: 'data', from: undefined}]})
  const {claims} = await scene.check({signer: undefined, vendorSigner: undefined})
  return claims.find(({claim, platform}) => claim === 'content' && platform === null)
}

describe('an attestation of ours in an index', () => {
  const about = 'vnd.docker.reference.digest'
  const swapped = (entries: EntryJson[]) => {
    const [one, other, first, second] = entries as [EntryJson, EntryJson, EntryJson, EntryJson]
    const of = (entry: EntryJson, digest: string) => ({
      ...entry,
      annotations: {...entry.annotations, [about]: digest},
    })
    return [one, other, of(first, other.digest), of(second, one.digest)]
  }
  const another = ([one, other, first, second]: EntryJson[]) => {
    const {digest, size} = one!
    return [one!, other!, {...first!, digest, size}, second!]
  }
  it.each([
    ['of the other image', swapped, 'linux/arm64'],
    ['that is another manifest', another, 'linux/amd64'],
  ])('%s is not accepted', async (_, edit, platform) => {
    const claim = await forged(await indexScene(), edit)
    expect(claim).toMatchObject({
      proven: false,
      detail: `the attestation of the image for ${platform} in the index is not that of inject`,
    })
  })

  it.each([
    ['is not there', (entries: EntryJson[]) => entries.slice(0, 2)],
    [
      'is of another form',
      (entries: EntryJson[]) =>
        another(entries).map((entry) =>
          entry.annotations
            ? {...entry, annotations: {...entry.annotations, 'dev.inject.attestation': 'slot/v9'}}
            : entry,
        ),
    ],
    [
      'is beside one of others',
      (entries: EntryJson[]) => {
        const {[about]: digest = ''} = entries[2]?.annotations ?? {}
        const type = {'vnd.docker.reference.type': 'attestation-manifest'}
        const other = {...entries[3]!, annotations: {...type, [about]: digest}}
        return [...entries, other]
      },
    ],
  ])('is not judged if it %s', async (_, edit) => {
    expect(await forged(await indexScene(), edit)).toMatchObject({proven: true})
  })
})

describe('what reads images', () => {
  it('takes attestations for no platform, and shows them', async () => {
    const scene = await singleScene()
    const inspected = await inspect({reference: ours}, scene.places)
    expect(inspected).toMatchObject({images: [{platform: {architecture: 'amd64'}}]})
    expect(inspected).toHaveProperty('artifacts.length', 1)
    const shown = await tree({reference: ours}, scene.places)
    expect(shown.images.flatMap(({referrers}) => referrers)).toContainEqual(
      expect.objectContaining({
        kind: 'index',
        ours: true,
        predicateType: 'https://slsa.dev/provenance/v1',
        signer: null,
      }),
    )
  })

  it('finds the list of files that BuildKit attached to an image', async () => {
    const places = severalPlaces()
    const store = places.place(vendorName)
    const image = await putVendor(store, 'one')
    const statement = Buffer.from(
      JSON.stringify({
        _type: 'https://in-toto.io/Statement/v0.1',
        predicateType: 'https://spdx.dev/Document',
        subject: [{name: '_', digest: {sha256: image.digest.slice(7)}}],
        predicate: {spdxVersion: 'SPDX-2.3'},
      }),
    )
    const {digest, size} = await store.putBlob(bytesSource(statement))
    const type = {'in-toto.io/predicate-type': 'https://spdx.dev/Document'}
    const layer = {mediaType: 'application/vnd.in-toto+json', digest, size, annotations: type}
    const config = {architecture: 'unknown', os: 'unknown', rootfs: {type: 'layers', diff_ids: []}}
    const manifest = await putDocuments(store, {config, layers: [layer]})
    const annotations = {
      'vnd.docker.reference.digest': image.digest,
      'vnd.docker.reference.type': 'attestation-manifest',
    }
    const platform = {os: 'unknown', architecture: 'unknown'}
    const manifests = [
      {...image, platform: {os: 'linux', architecture: 'amd64'}},
      {...manifest, platform, annotations},
    ]
    const bytes = Buffer.from(JSON.stringify({schemaVersion: 2, mediaType: ociIndex, manifests}))
    await store.putManifest(bytes, ociIndex, {tags: [{tag: 'v1', from: undefined}]})
    const machine = {os: 'linux', architecture: 'amd64'}
    const reference = parseReference(`${vendorName}:v1`)
    expect(await sbom({reference, machine}, places)).toMatchObject({
      ...{format: 'spdx', signed: false, referrer: manifest.digest},
      document: {spdxVersion: 'SPDX-2.3'},
    })
    await expect(sbom({reference, machine, format: 'cyclonedx'}, places)).rejects.toMatchObject({
      code: 'ERR_INJECT_SBOM_NOT_FOUND',
    })
  })
})
