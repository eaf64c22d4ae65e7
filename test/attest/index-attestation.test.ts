import * as v from 'valibot'
import {describe, expect, it} from 'vitest'
import {indexAttestation} from '../../src/attest/index-attestation.js'
import {decodeStatement} from '../../src/attest/statement.js'
import {decodeManifest} from '../../src/oci/manifest.js'
import {attestedScene, taggedImage} from '../support/attested.js'
import {buildkitManifestShape, indexStatementShape} from '../support/statement-shape.js'
import {putVendor} from '../support/vendor.js'

describe('an attestation in an index', () => {
  it('is of the shape that BuildKit describes, and fits together by its digests', async () => {
    const scene = await attestedScene((store) => putVendor(store, 'one'))
    const image = await taggedImage(scene)
    const {subject, manifest, blobs} = indexAttestation(image)
    expect(subject).toBe(image.manifest.descriptor.digest)
    const text = Buffer.from(manifest.bytes).toString()
    expect(v.parse(buildkitManifestShape, JSON.parse(text))).toBeTruthy()
    const {config, layers} = decodeManifest(manifest.bytes, manifest.descriptor.mediaType)
    const [own, statement] = blobs
    expect(config).toEqual(own?.descriptor)
    expect(layers[0]).toMatchObject(statement!.descriptor)
    expect(JSON.parse(Buffer.from(own!.bytes).toString())).toMatchObject({
      architecture: 'unknown',
      os: 'unknown',
      rootfs: {diff_ids: [statement?.descriptor.digest]},
    })
    expect(v.parse(indexStatementShape, decodeStatement(statement!.bytes))).toMatchObject({
      subject: [{name: '_', digest: {sha256: subject.slice(7)}}],
      predicate: {
        buildDefinition: {
          externalParameters: {slots: [{name: 'cvmfs', path: '/'}]},
          internalParameters: {images: [{digest: subject, vendor: scene.original.digest}]},
          resolvedDependencies: [{uri: 'oci://registry.example/vendor/app:v1'}],
        },
      },
    })
  })

  it('has nothing of the run that made the image', async () => {
    const scene = await attestedScene((store) => putVendor(store, 'one'))
    const text = JSON.stringify(
      indexAttestation(await taggedImage(scene)).blobs.map(({bytes}) =>
        Buffer.from(bytes).toString(),
      ),
    )
    expect(text).not.toMatch(/2026-|1\.2\.3|v20\.17|registry\.example\/team|update/)
  })
})
