import {randomBytes} from 'node:crypto'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {indexAttestation} from '../../../src/attest/index-attestation.js'
import {storeOpener} from '../../../src/cli/ports/store-opener.js'
import type {FleetReport} from '../../../src/fleet/report/outcome.js'
import type {Digest} from '../../../src/oci/digest.js'
import {decodeIndex} from '../../../src/oci/image-index.js'
import {ociIndex} from '../../../src/oci/media-type.js'
import type {ProgressEvent} from '../../../src/ports.js'
import {parseReference} from '../../../src/oci/names/reference.js'
import {readReferrers} from '../../../src/operations/attest/read-referrers.js'
import {sbom} from '../../../src/operations/sbom.js'
import {verify} from '../../../src/operations/verify.js'
import {attestBy, makeParty, verifyTime} from '../../support/attested.js'
import {digestAt, fleetFolder, repositoryAt, writeSource} from '../../support/fleet-runs.js'
import {serveRegistry} from '../../support/served-registry.js'
import {putVendor, putVendorIndex} from '../../support/vendor.js'

const slots = [
  {name: 'certs', source: './certs', path: '/etc/ssl/certs'},
  {name: 'more', source: './more', path: '/opt/more'},
]
const us = makeParty()
const describeInIndex = indexAttestation

/** A registry with vendors' images, the last one an index, and a fleet with two slots for them. */
async function startFleet(count: number, target?: string) {
  const registry = await serveRegistry()
  const names = Array.from({length: count}, (_, at) => `base/r${at}`)
  for (const [at, name] of names.entries()) {
    const store = repositoryAt(registry.address, name)
    if (at < count - 1) await putVendor(store, name)
    else await putVendorIndex(store, name, ['amd64', 'arm64'], {attestations: true})
  }
  const fleet = await fleetFolder()
  writeSource(join(fleet.folder, 'certs'), {'ca.pem': randomBytes(100)})
  writeSource(join(fleet.folder, 'more'), {file: randomBytes(100)})
  const images = names.map((name) => `${registry.address}/${name}:v1`)
  const defaults = target === undefined ? {} : {defaults: {target}}
  fleet.write({images, slots, ...defaults})
  registry.records.splice(0)
  return {registry, names, images, fleet}
}

const isWrite = ({method}: {readonly method: string}) => !['GET', 'HEAD'].includes(method)
const afterOf = ({outcomes}: FleetReport) => outcomes.map(({after}) => after)

async function statementsOf(address: string, name: string, digest: Digest | null) {
  if (digest === null) throw new Error('no image')
  return readReferrers(repositoryAt(address, name), digest, {})
}

function places() {
  const watched = {report: () => undefined, signal: new AbortController().signal}
  const openStore = storeOpener({insecure: false, 'password-stdin': false}, watched)
  return {...watched, openStore}
}

async function checked(image: string) {
  const needed = new Set(['content', 'statement'] as const)
  const request = {signer: us.checks, now: verifyTime, needed}
  const {claims} = await verify({reference: parseReference(image), ...request}, places())
  return claims.filter(({proven}) => !proven)
}

describe('a fleet that is attested', () => {
  it('has one statement for each image, about all of its slots, and then nothing again', async () => {
    const {registry, fleet, names, images} = await startFleet(5)
    let signed = 0
    const sign = (statement: Uint8Array) => {
      signed++
      return us.signer.sign(statement)
    }
    const attest = attestBy(us, {signer: {...us.signer, sign}})
    const report = await fleet.apply({attest})
    expect(report.totals).toEqual({updated: 5})
    expect(signed).toBe(5)
    for (const [at, {after}] of report.outcomes.entries()) {
      const found = await statementsOf(registry.address, names[at]!, after)
      expect(found.map(({predicateType}) => predicateType)).toEqual([
        'https://slsa.dev/provenance/v1',
      ])
      expect(await checked(images[at]!)).toEqual([])
    }
    registry.records.splice(0)
    expect((await fleet.apply({attest})).totals).toEqual({unchanged: 5})
    // one look at each tag
    expect(registry.records).toHaveLength(5)
    registry.records.splice(0)
    expect((await fleet.apply({attest, forgetful: true})).totals).toEqual({unchanged: 5})
    expect(registry.records.filter(isWrite)).toEqual([])
  })

  it('counts its requests: at most 20 for an image with a statement, and all of them', async () => {
    const {registry, fleet} = await startFleet(5)
    const {outcomes, costs} = await fleet.apply({attest: attestBy(us)})
    const single = outcomes.slice(0, 4)
    const requests = single.reduce((sum, outcome) => sum + outcome.requests, 0)
    expect(requests / single.length).toBeLessThanOrEqual(20)
    expect(costs.requests).toBe(registry.records.length)
  })

  it('gets statements for images that were right before, and says so', async () => {
    const {registry, fleet, names, images} = await startFleet(3)
    await fleet.apply()
    const attest = attestBy(us)
    const planned = await fleet.plan({attest: {...attest, signer: undefined}})
    expect(planned.outcomes.map(({status, reason}) => [status, reason])).toEqual(
      images.map(() => ['unchanged', 'a statement about it would be attached']),
    )
    const before = await Promise.all(images.map(digestAt))
    const report = await fleet.apply({attest})
    expect(report.outcomes.map(({status, reason}) => [status, reason])).toEqual(
      images.map(() => ['unchanged', 'a statement about it was attached']),
    )
    expect(await Promise.all(images.map(digestAt))).toEqual(before)
    for (const [at, {after}] of report.outcomes.entries())
      expect(await statementsOf(registry.address, names[at]!, after)).toHaveLength(1)
    const again = await fleet.apply({attest})
    expect(again.outcomes.map(({reason}) => reason)).toEqual([null, null, null])
  })

  it('is warned of each statement that a run without --attest loses, and of no other', async () => {
    const {fleet, images} = await startFleet(3)
    const said: string[] = []
    const report = (event: ProgressEvent) => {
      if (event.kind === 'warning') said.push(event.message)
    }
    await fleet.apply({report, attest: attestBy(us)})
    writeSource(join(fleet.folder, 'more'), {file: randomBytes(50)})
    const {outcomes} = await fleet.apply({report})
    const lost = said.filter((message) => message.includes('has a statement of how it was made'))
    expect(lost).toHaveLength(images.length)
    for (const {before} of outcomes) expect(lost.join()).toContain(before)
    writeSource(join(fleet.folder, 'more'), {file: randomBytes(60)})
    await fleet.apply({report})
    expect(said.filter((message) => message.includes('has a statement'))).toEqual(lost)
  })

  it('gets lists of files for images that have statements already', async () => {
    const {registry, fleet, names} = await startFleet(2)
    await fleet.apply({attest: attestBy(us)})
    const attest = attestBy(us, {sbom: 'spdx'})
    const planned = await fleet.plan({attest})
    expect(planned.outcomes[0]?.reason).toBe('a statement about it would be attached')
    const {outcomes} = await fleet.apply({attest})
    const found = await statementsOf(registry.address, names[0]!, outcomes[0]!.after)
    expect(found.map(({predicateType}) => predicateType).sort()).toEqual([
      'https://slsa.dev/provenance/v1',
      'https://spdx.dev/Document',
    ])
  })

  it('is signed where it was said unsigned before', async () => {
    const {registry, fleet, names} = await startFleet(2)
    await fleet.apply({attest: attestBy(undefined)})
    const {outcomes} = await fleet.apply({attest: attestBy(us)})
    for (const [at, {after}] of outcomes.entries())
      expect(await statementsOf(registry.address, names[at]!, after)).toHaveLength(2)
  })

  it('has statements in other repositories, and the lists of their slots', async () => {
    const {registry, fleet, names} = await startFleet(
      3,
      '{{registry}}/ours/{{repository}}:{{tag}}-ours',
    )
    const {outcomes} = await fleet.apply({attest: attestBy(us, {sbom: 'spdx'})})
    for (const [at, {after, target}] of outcomes.entries()) {
      expect(await statementsOf(registry.address, names[at]!, after)).toEqual([])
      expect(await checked(target)).toEqual([])
      const machine = {os: 'linux', architecture: 'amd64'}
      const {document} = await sbom({reference: parseReference(target), machine}, places())
      expect(JSON.stringify(document)).toMatch(/\/etc\/ssl\/certs\/ca\.pem.*\/opt\/more\/file/)
    }
  })

  it('that cannot be signed moves no tag, and names each image', async () => {
    const {fleet, images} = await startFleet(3)
    const before = await Promise.all(images.map(digestAt))
    const {InjectError} = await import('../../../src/errors.js')
    const failing = {
      name: 'nobody',
      sign: () => Promise.reject(new InjectError('ERR_INJECT_SIGNING_FAILED', 'no pen')),
    }
    const {totals, outcomes} = await fleet.apply({attest: attestBy(us, {signer: failing})})
    expect(totals).toEqual({failed: 3})
    expect(outcomes.map(({reason}) => reason)).toEqual(['no pen', 'no pen', 'no pen'])
    expect(await Promise.all(images.map(digestAt))).toEqual(before)
  })
})

describe('a fleet that is attested in its indexes, too', () => {
  const attest = attestBy(us, {describeInIndex})

  it('is planned with the digests that it makes, and is then unchanged', async () => {
    const {registry, fleet, images} = await startFleet(4)
    const planned = await fleet.plan({attest})
    const report = await fleet.apply({attest})
    expect(report.totals).toEqual({updated: 4})
    expect(afterOf(planned)).toEqual(afterOf(report))
    expect(planned.costs.bytesSent).toBeGreaterThan(0)
    for (const image of images) {
      const {repository} = parseReference(image) as {readonly repository: string}
      const stored = await repositoryAt(registry.address, repository).getManifest('v1')
      expect(stored?.descriptor.mediaType).toBe(ociIndex)
      const {manifests} = decodeIndex(stored!.bytes, ociIndex)
      const unknown = manifests.filter(({platform}) => platform?.os === 'unknown')
      expect(unknown.length).toBe(manifests.length / 2)
      expect(await checked(image)).toEqual([])
    }
    registry.records.splice(0)
    expect((await fleet.apply({attest})).totals).toEqual({unchanged: 4})
    expect(registry.records).toHaveLength(4)
    registry.records.splice(0)
    expect((await fleet.apply({attest, forgetful: true})).totals).toEqual({unchanged: 4})
    expect(registry.records.filter(isWrite)).toEqual([])
  })

  it('follows the vendors, and gets other content', async () => {
    const target = '{{registry}}/ours/{{repository}}:{{tag}}-ours'
    const {registry, fleet, names} = await startFleet(3, target)
    await fleet.apply({attest})
    await putVendor(repositoryAt(registry.address, names[0]!), 'next')
    const planned = await fleet.plan({attest})
    const report = await fleet.apply({attest})
    expect(report.totals).toEqual({rebased: 1, unchanged: 2})
    expect(afterOf(planned)).toEqual(afterOf(report))
    writeSource(join(fleet.folder, 'more'), {file: 'other'})
    const other = await fleet.apply({attest})
    expect(other.totals).toEqual({updated: 3})
    for (const {target: image} of other.outcomes) expect(await checked(image)).toEqual([])
    expect((await fleet.apply({attest, forgetful: true})).totals).toEqual({unchanged: 3})
  })

  it("leaves images in Docker's format as they are, unless they are converted", async () => {
    const {registry, fleet, images} = await startFleet(1)
    await putVendor(repositoryAt(registry.address, 'base/docker'), 'one', {family: 'docker'})
    const image = `${registry.address}/base/docker:v1`
    fleet.write({images: [...images, image], slots})
    const {outcomes} = await fleet.apply({attest})
    expect(outcomes.find(({reference}) => reference === image)).toMatchObject({
      status: 'failed',
      code: 'ERR_INJECT_ATTEST_NEEDS_OCI',
    })
    fleet.write({images: [...images, image], slots, defaults: {'to-oci': true}})
    expect((await fleet.apply({attest})).totals).toEqual({updated: 1, unchanged: 1})
    expect(await checked(image)).toEqual([])
  })

  it('gives the images of the vendors back when the slots leave the file', async () => {
    const {fleet, images} = await startFleet(2)
    const before = await Promise.all(images.map(digestAt))
    await fleet.apply({attest})
    const [image, index] = images
    fleet.write({images: [image], slots, prune: [index]})
    const {outcomes} = await fleet.apply({attest, prune: true})
    expect(outcomes).toMatchObject([
      {reference: image, status: 'unchanged'},
      {reference: index, status: 'removed', after: before[1]},
    ])
  })
})
