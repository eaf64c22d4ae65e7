import * as v from 'valibot'
import {bundleFromJSON} from '@sigstore/bundle'
import {toSignedEntity, Verifier} from '@sigstore/verify'
import {describe, expect, it} from 'vitest'
import {NetworkError, UsageError} from '../../../src/errors.js'
import {decodeIndex} from '../../../src/oci/image-index.js'
import {decodeManifest} from '../../../src/oci/manifest.js'
import {parseReference, type Reference, repositoryName} from '../../../src/oci/names/reference.js'
import {rebase} from '../../../src/operations/rebase.js'
import {sbom} from '../../../src/operations/sbom.js'
import {tree} from '../../../src/operations/tree.js'
import {update} from '../../../src/operations/update.js'
import {verify} from '../../../src/operations/verify.js'
import {putArtifact} from '../../../src/operations/attest/put-artifact.js'
import {readDocument, readReferrers} from '../../../src/operations/attest/read-referrers.js'
import {
  attestBy,
  attestedScene,
  bundleOf,
  dropReferrers,
  makeParty,
  ourName,
  putSignature,
  type Scene,
  vendorName,
  verifyTime,
} from '../../support/attested.js'
import type {OpenStoreOptions} from '../../../src/ports.js'
import {bytesSource} from '../../support/layout-image.js'
import {severalPlaces} from '../../support/several-places.js'
import {
  artifactShape,
  cyclonedxShape,
  keyBundleShape,
  provenanceStatementShape,
  spdxShape,
} from '../../support/statement-shape.js'
import {injectionRequest, type UpdateOptions, updateRequest} from '../../support/update-options.js'
import {makeTree, putVendor, putVendorIndex, vendorLayers} from '../../support/vendor.js'

const ours = parseReference(`${ourName}:data`)
const source = {
  commit: 'a'.repeat(40),
  remote: 'https://git.example/team/app',
  path: 'data',
  modified: false,
}
const ci = {
  system: 'github',
  builder: 'https://github.com/team/app/.github/workflows/x.yml',
  invocation: 'https://github.com/team/app/actions/runs/1/attempts/1',
} as const

/** Another update of ours, attested as asked for. */
async function again(
  {places, us}: Scene,
  files: Record<string, string>,
  more: Parameters<typeof attestBy>[1] = {},
  options: Partial<UpdateOptions> = {},
) {
  const directory = await makeTree(files)
  const request = updateRequest({reference: ours, directory, ...options})
  return update(request, {...places, attest: attestBy(us, more)})
}

describe('a statement', () => {
  it('and all that carries it are of the shape that the specifications describe', async () => {
    const scene = await attestedScene((store) => putVendor(store, 'one'))
    const run = {...attestBy(undefined).run, ci}
    const {digest} = await again(
      scene,
      {'cvmfs/other': 'x'},
      {run, describeSource: () => Promise.resolve(source)},
    )
    const {bundle, statement} = await bundleOf({...scene, digest: digest!})
    expect(v.parse(keyBundleShape, bundle)).toBeTruthy()
    expect(v.parse(provenanceStatementShape, statement)).toMatchObject({
      subject: [{name: ourName, digest: {sha256: digest!.slice(7)}}],
      predicate: {
        buildDefinition: {
          externalParameters: {command: 'update', image: `${ourName}:data`, flags: {path: '/'}},
          internalParameters: {ci, images: [{digest, platform: 'linux/amd64'}]},
          resolvedDependencies: [
            {name: 'image', uri: `oci://${ourName}:data`, digest: {sha256: scene.digest.slice(7)}},
            {
              name: 'vendor',
              uri: `oci://${vendorName}:v1`,
              digest: {sha256: scene.original.digest.slice(7)},
            },
            {
              name: 'source',
              uri: 'git+https://git.example/team/app',
              digest: {gitCommit: source.commit},
            },
          ],
        },
        runDetails: {
          builder: {id: ci.builder, version: {inject: '1.2.3', node: 'v20.17.0'}},
          metadata: {invocationId: ci.invocation, finishedOn: '2026-01-01T12:00:00Z'},
        },
      },
    })
    const [referrer] = await readReferrers(scene.ours, digest!, {})
    const stored = await scene.ours.getManifest(referrer!.descriptor.digest)
    const manifest = JSON.parse(Buffer.from(stored!.bytes).toString()) as unknown
    expect(v.parse(artifactShape, manifest)).toMatchObject({
      subject: {digest},
      annotations: {
        'dev.sigstore.bundle.content': 'dsse-envelope',
        'dev.sigstore.bundle.predicateType': 'https://slsa.dev/provenance/v1',
        'org.opencontainers.image.created': '2026-01-01T12:00:00Z',
      },
    })
  })

  it('is one that the library of sigstore accepts', async () => {
    const scene = await attestedScene((store) => putVendor(store, 'one'))
    const {bundle} = await bundleOf(scene)
    const none = {certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: []}
    const {publicKey} = scene.us
    const trust = {...none, publicKey: () => ({publicKey, validFor: () => true})}
    const zero = {ctlogThreshold: 0, tlogThreshold: 0, timestampThreshold: 0}
    const verifier = new Verifier(trust, zero)
    expect(verifier.verify(toSignedEntity(bundleFromJSON(bundle)))).toMatchObject({key: publicKey})
  })

  it('that nobody signs says so, and proves nothing', async () => {
    const scene = await attestedScene((store) => putVendor(store, 'one'))
    const result = await again(scene, {'cvmfs/other': 'x'}, {signer: undefined})
    expect(result.attestation).toMatchObject({signer: null})
    const [referrer] = await readReferrers(scene.ours, result.digest!, {})
    expect(referrer).toMatchObject({
      artifactType: 'application/vnd.in-toto+json',
      annotations: {'dev.inject.unsigned': 'true'},
    })
    const {proven, claims} = await scene.check()
    expect(proven).toBe(false)
    expect(claims.map(({detail}) => detail).join()).toContain('is not signed')
  })

  it('is not made again for what did not change, but where there is none', async () => {
    const scene = await attestedScene((store) => putVendor(store, 'one'))
    const files = {'cvmfs/file': 'content'}
    const same = await again(scene, files)
    expect(same).toMatchObject({changed: false, digest: scene.digest})
    expect(same.attestation).toBeUndefined()
    expect(await readReferrers(scene.ours, scene.digest, {})).toHaveLength(1)
    await dropReferrers(scene.ours, scene.digest)
    expect((await again(scene, files)).attestation).toBeDefined()
    expect(await scene.check()).toMatchObject({proven: true})
  })

  it('that cannot be signed leaves the tag where it is', async () => {
    const scene = await attestedScene((store) => putVendor(store, 'one'))
    const failing = {
      name: 'nobody',
      sign: () => Promise.reject(new UsageError('ERR_INJECT_USAGE', 'no pen')),
    }
    await expect(again(scene, {'cvmfs/other': 'x'}, {signer: failing})).rejects.toThrow('no pen')
    expect(await scene.ours.statManifest('data')).toBe(scene.digest)
  })

  it('is not made in a dry run', async () => {
    const scene = await attestedScene((store) => putVendor(store, 'one'))
    const result = await again(scene, {'cvmfs/other': 'x'}, {}, {dryRun: true})
    expect(result.attestation).toBeUndefined()
  })
})

describe('what is proven', () => {
  const edits = {
    env: {PATH: '/opt/bin', NEW: '1'},
    labels: {'org.example': 'x'},
    annotations: {'org.example': 'y'},
    entrypoint: ['/run'],
    user: '1000',
  }
  it.each([
    ['in OCI format', 'oci', {}],
    ["in Docker's format", 'docker', {}],
    ["made OCI's", 'docker', {toOci: true}],
    ['with edits of the config', 'oci', {edits}],
    ['with its content below a folder', 'oci', {path: '/opt/data'}],
    ['with a slot of several layers', 'oci', {layers: 3}],
  ] as const)('of an image %s', async (_, family, options) => {
    const scene = await attestedScene((store) => putVendor(store, 'one', {family}), options)
    const {proven, claims} = await scene.check()
    expect(claims.filter((claim) => !claim.proven)).toEqual([])
    expect(proven).toBe(true)
  })

  it.each([
    ['in OCI format', 'oci'],
    ["in Docker's format, by the statement", 'docker'],
  ] as const)('of an index %s', async (_, family) => {
    const scene = await attestedScene(
      (store) => putVendorIndex(store, 'one', ['amd64', 'arm64', 's390x'], {family}),
      {
        platforms: [
          {os: 'linux', architecture: 'amd64'},
          {os: 'linux', architecture: 'arm64'},
        ],
      },
    )
    const vendor = parseReference(`${vendorName}:v1`)
    const {claims} = await scene.check({vendor, vendorSigner: undefined, needed: new Set()})
    expect(claims.filter((claim) => !claim.proven)).toEqual([])
    expect(claims.map(({claim, platform}) => `${claim} ${platform}`)).toEqual([
      'statement null',
      'statement linux/amd64',
      'content linux/amd64',
      'statement linux/arm64',
      'content linux/arm64',
      'content linux/s390x',
      'content null',
    ])
  })

  it('of an image after a rebase, whose statement names the new image of the vendor', async () => {
    const scene = await attestedScene((store) => putVendor(store, 'one'))
    const next = await putVendor(scene.vendor, 'two')
    await putSignature(scene.vendor, next, scene.them)
    const {target, publish} = injectionRequest()
    const request = {image: {reference: ours}, target, publish, force: false} as const
    const result = await rebase(
      {...request, platforms: 'intersect', look: 'none'},
      {...scene.places, attest: attestBy(scene.us)},
    )
    expect(result).toMatchObject({changed: true, attestation: {signer: scene.us.signer.name}})
    expect(await scene.check()).toMatchObject({proven: true, digest: result.digest})
    const {statement} = await bundleOf({...scene, digest: result.digest!})
    expect(JSON.stringify(statement)).toContain(next.digest.slice(7))
  })

  it('without the image of the vendor, where it can be rebuilt to the byte', async () => {
    const created = '2024-05-05T00:00:00Z'
    const history = [{created: '2024-01-01T00:00:00Z'}, {created}]
    const scene = await attestedScene((store) =>
      putVendor(store, 'one', {config: {created, history, config: {}}}),
    )
    const bare = {...scene.ours, getManifest: hidden(scene), close: () => Promise.resolve()}
    const ports = {...scene.places, openStore: () => Promise.resolve(bare)}
    const result = await verify(
      {reference: ours, now: verifyTime, needed: new Set(['content'])},
      ports,
    )
    expect(result.claims).toMatchObject([
      {
        claim: 'content',
        proven: true,
        detail: `without its slots it is ${scene.original.digest}, rebuilt`,
      },
    ])
  })

  it('of an index without the registry of the vendor, by the signed statement', async () => {
    const scene = await attestedScene((store) => putVendorIndex(store, 'one', ['amd64', 'arm64']), {
      platforms: 'all',
    })
    const stored = await scene.vendor.getManifest(scene.original.digest)
    const {manifests} = decodeIndex(stored!.bytes, stored!.descriptor.mediaType)
    for (const {digest} of manifests) {
      const image = await scene.vendor.getManifest(digest)
      await scene.ours.putManifest(image!.bytes, image!.descriptor.mediaType, {tags: []})
      const {config} = decodeManifest(image!.bytes, image!.descriptor.mediaType)
      const bytes = await readDocument(scene.vendor, config, {})
      await scene.ours.putBlob(bytesSource(bytes))
    }
    const alone = {
      ...scene.places,
      openStore: (reference: Reference, options: OpenStoreOptions) =>
        repositoryName(reference) === vendorName
          ? Promise.reject(new NetworkError('ERR_INJECT_NETWORK', 'out of reach'))
          : scene.places.openStore(reference, options),
    }
    const request = {reference: ours, now: verifyTime, needed: new Set(['content'] as const)}
    const proof = await verify({...request, signer: scene.us.checks}, alone)
    expect(proof.claims.filter(({proven}) => !proven)).toEqual([])
    await expect(verify(request, alone)).rejects.toThrow('out of reach')
  })

  it('reads manifests, configs and referrers, and no layer', async () => {
    const layer = (size: number) => ({blob: Buffer.from(`layer ${size}`)})
    const layers = [...vendorLayers('one'), layer(1), layer(2)]
    const scene = await attestedScene((store) => putVendor(store, 'one', {layers}))
    const opened = new Map<string, string>()
    const counting: typeof scene.places = {
      ...scene.places,
      async openStore(reference, options) {
        const store = await scene.places.openStore(reference, options)
        return {
          ...store,
          openBlob(blob, call) {
            opened.set(blob.digest, 'mediaType' in blob ? String(blob.mediaType) : '')
            return store.openBlob(blob, call)
          },
        }
      },
    }
    const request = {signer: scene.us.checks, vendorSigner: scene.them.checks, now: verifyTime}
    const needed = new Set(['content', 'statement', 'vendor-signature'] as const)
    const result = await verify({reference: ours, ...request, needed}, counting)
    expect(result.proven).toBe(true)
    expect([...opened.values()].sort()).toEqual([
      'application/vnd.dev.sigstore.bundle.v0.3+json',
      'application/vnd.dev.sigstore.bundle.v0.3+json',
      'application/vnd.oci.image.config.v1+json',
    ])
  })
})

/** Everything but the vendor's image. */
function hidden({ours: store, original}: Scene): Scene['ours']['getManifest'] {
  return (name, call) =>
    name === original.digest ? Promise.resolve(undefined) : store.getManifest(name, call)
}

describe('a list of files', () => {
  const files = {
    'cvmfs/file': 'content',
    'cvmfs/lib/node_modules/left-pad/package.json': '{"name":"left-pad","version":"1.3.0"}',
    'cvmfs/lib/Some_Thing-2.0.dist-info/METADATA': 'Name: Some_Thing\nVersion: 2.0\n\ntext',
    'var/lib/dpkg/status.d/tzdata': 'Package: tzdata\nVersion: 2026a-0+deb12u1\n',
  }
  it.each([
    ['spdx', spdxShape],
    ['cyclonedx', cyclonedxShape],
  ] as const)(
    'as %s has all files and packages, and names the lists of the vendor',
    async (format, shape) => {
      const scene = await attestedScene((store) => putVendor(store, 'one'))
      await again(scene, files, {sbom: format})
      const machine = {os: 'linux', architecture: 'amd64'}
      const result = await sbom({reference: ours, machine, format}, scene.places)
      expect(result).toMatchObject({format, signed: true})
      const document = JSON.stringify(v.parse(shape, result.document))
      for (const path of Object.keys(files)) expect(document).toContain(`/${path}"`)
      for (const purl of [
        'pkg:npm/left-pad@1.3.0',
        'pkg:pypi/some-thing@2.0',
        'pkg:deb/debian/tzdata@2026a-0%2Bdeb12u1',
      ])
        expect(document).toContain(purl)
      // sha256 of "content"
      expect(document).toContain('ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73')
    },
  )

  it('names the lists that refer to the image of the vendor', async () => {
    const places = severalPlaces()
    const vendor = places.place(vendorName)
    const original = await putVendor(vendor, 'one')
    const list = {bytes: Buffer.from('{}'), mediaType: 'application/spdx+json', annotations: {}}
    const [digest] = await putArtifact(vendor, [original], list, {})
    const directory = await makeTree({'cvmfs/file': 'content'})
    const reference = parseReference(`${vendorName}:v1`)
    const attest = attestBy(undefined, {sbom: 'spdx'})
    await update(updateRequest({reference, directory, tags: ['data']}), {...places, attest})
    const machine = {os: 'linux', architecture: 'amd64'}
    const data = parseReference(`${vendorName}:data`)
    const {document, signed} = await sbom({reference: data, machine}, places)
    expect(signed).toBe(false)
    expect(document).toMatchObject({
      packages: [{externalRefs: [{referenceLocator: `oci://${vendorName}@${digest}`}]}],
    })
  })

  it('is attached to an image that has a statement already, once, and nothing else is', async () => {
    const scene = await attestedScene((store) => putVendor(store, 'one'))
    const same = {'cvmfs/file': 'content'}
    const result = await again(scene, same, {sbom: 'spdx'})
    expect(result).toMatchObject({changed: false, digest: scene.digest, tags: []})
    expect(result.attestation).toMatchObject({signer: scene.us.signer.name})
    const machine = {os: 'linux', architecture: 'amd64'}
    const {referrer} = await sbom({reference: ours, machine, format: 'spdx'}, scene.places)
    expect(referrer).toBe(result.attestation?.digest)
    const types = async () =>
      (await readReferrers(scene.ours, scene.digest, {})).map(({predicateType}) => predicateType)
    expect(await types()).toEqual(['https://slsa.dev/provenance/v1', 'https://spdx.dev/Document'])
    expect((await again(scene, same, {sbom: 'spdx'})).attestation).toBeUndefined()
    await again(scene, same, {sbom: 'cyclonedx'})
    expect(await types()).toHaveLength(3)
    expect(await scene.check()).toMatchObject({proven: true})
  })

  it('is not there unless it was asked for', async () => {
    const scene = await attestedScene((store) => putVendor(store, 'one'))
    const machine = {os: 'linux', architecture: 'amd64'}
    await expect(sbom({reference: ours, machine}, scene.places)).rejects.toMatchObject({
      code: 'ERR_INJECT_SBOM_NOT_FOUND',
    })
  })
})

describe('the tree', () => {
  it('shows what refers to an index and its images, and who signed it', async () => {
    const scene = await attestedScene(
      (store) => putVendorIndex(store, 'one', ['amd64', 'arm64'], {attestations: true}),
      {platforms: 'all', attestations: 'keep'},
    )
    await putSignature(
      scene.ours,
      (await scene.ours.getManifest(scene.digest))!.descriptor,
      makeParty(),
    )
    const result = await tree({reference: ours}, scene.places)
    expect(result.referrers).toMatchObject([
      {predicateType: 'https://slsa.dev/provenance/v1', ours: true, signer: scene.us.signer.name},
      {predicateType: 'https://sigstore.dev/cosign/sign/v1', ours: false},
    ])
    const checked = await tree({reference: ours, signer: scene.us.checks}, scene.places)
    expect(checked.referrers.map(({verified}) => verified)).toEqual([true, false])
    expect(result.referrers.map(({verified}) => verified)).toEqual([null, null])
    expect(result.images.map(({platform, referrers}) => [platform, referrers.length])).toEqual([
      ['linux/amd64', 1],
      ['linux/arm64', 1],
    ])
  })
})
