import {writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {readLimits} from '../../src/layer/records/read-layer.js'
import {subjectHash} from '../../src/trust/subject-hash.js'
import {entriesOfJks} from '../../src/trust/jks.js'
import {pemBlocks} from '../../src/trust/pem.js'
import {parseReference} from '../../src/oci/names/reference.js'
import {addCertificates, type CertificatesRequest} from '../../src/operations/add-certificates.js'
import {listCertificates} from '../../src/operations/certs/list-certificates.js'
import {listFiles} from '../../src/operations/browse/list-files.js'
import {inspect} from '../../src/operations/inspect.js'
import {rebase} from '../../src/operations/rebase.js'
import {remove} from '../../src/operations/remove.js'
import {update} from '../../src/operations/update.js'
import {makeCertificate} from '../support/certificate.js'
import {makeFile, makeLink, makeRoot} from '../support/files.js'
import {makeEntry, putImage} from '../support/put-image.js'
import {fileOf} from '../support/read-image.js'
import {severalPlaces} from '../support/several-places.js'
import {tempDir} from '../support/temp-dir.js'
import {type Distribution, trustRoot} from '../support/trust-roots.js'
import {injectionRequest, updateRequest} from '../support/update-options.js'

const vendor = 'registry.example/vendor/app'
const ours = parseReference(`${vendor}:certs`)
type Places = ReturnType<typeof severalPlaces>

const [vendorRoot, newRoot] = [makeCertificate(), makeCertificate()].map((c) => c.certificate)
const [company, proxy] = [makeCertificate(), makeCertificate()].map((c) => c.certificate)
const own = `${company}${proxy}`
const now = Math.floor(Date.now() / 1000)

async function filesOf(...texts: readonly string[]): Promise<string[]> {
  const folder = await tempDir()
  return texts.map((text, number) => {
    const path = join(folder, `${number}.pem`)
    writeFileSync(path, text)
    return path
  })
}

function requestFor(
  files: readonly string[],
  more: Partial<CertificatesRequest['certificates']> = {},
): CertificatesRequest {
  const request = injectionRequest({
    ...{reference: parseReference(`${vendor}:v1`), tags: ['certs'], name: 'certs'},
    ...{path: '/', parents: 'omit'},
  })
  const certificates = {files, allowExpired: false, now, setsEnv: false, skipsJava: false, ...more}
  return {...request, certificates}
}

/** For the image that has the slot. */
function inPlace(files: readonly string[]): CertificatesRequest {
  return {...requestFor(files), image: {reference: ours, name: 'certs'}, target: {tags: []}}
}

async function putVendor(places: Places, distribution: Distribution, roots = vendorRoot!) {
  const root = trustRoot(distribution, roots)
  const image = await putImage(places.place(vendor), {layers: [{entries: root.entries}]})
  return {...root, ...image}
}

const textOf = async (places: Places, path: string) =>
  (await fileOf(ours, path, places)).bytes.toString()

const hashOf = (pem: string) => subjectHash(pemBlocks(pem)[0]!.bytes!)
const removal = () => injectionRequest({reference: ours, name: 'certs'})
const rebasing = () => {
  const {target, publish} = injectionRequest()
  const policies = {platforms: 'intersect', look: 'auto', force: false} as const
  return {image: {reference: ours}, target, publish, ...policies}
}

describe.each(['debian', 'alpine', 'ubi', 'suse', 'distroless', 'empty'] as const)(
  'an image like %s',
  (distribution) => {
    it('trusts them in all of its stores, and its vendor as before', async () => {
      const places = severalPlaces()
      const root = await putVendor(places, distribution)
      const files = await filesOf(own)
      const {digest} = await addCertificates(requestFor(files), places)
      const theirs = distribution === 'empty' ? '' : vendorRoot!
      for (const path of root.bundles) expect(await textOf(places, path)).toBe(`${theirs}${own}`)
      const bytes = pemBlocks(own).map((block) => block.bytes)
      for (const path of root.keystores) {
        const entries = entriesOfJks((await fileOf(ours, path, places)).bytes)
        expect(entries.map(({certificate}) => certificate)).toEqual(bytes)
      }
      const {certificates} = await listCertificates({reference: ours}, places)
      expect(certificates).toHaveLength(2)
      for (const folder of root.anchors)
        for (const {fingerprint} of certificates)
          expect(own).toContain(
            await textOf(places, `${folder}/inject-${fingerprint.slice(0, 32)}.crt`),
          )
      for (const folder of root.hashes) {
        // both have the same subject
        expect(await textOf(places, `${folder}/${hashOf(company!)}.0`)).toBe(company)
        expect(await textOf(places, `${folder}/${hashOf(proxy!)}.1`)).toBe(proxy)
      }
      // again: nothing changes; remove: the original
      const again = await addCertificates(requestFor(files), places)
      expect(again).toMatchObject({digest, tags: []})
      expect(await remove(removal(), places)).toMatchObject({original: true, digest: root.digest})
    })

    it('follows its vendor, whose new list stays whole', async () => {
      const places = severalPlaces()
      await putVendor(places, distribution)
      await addCertificates(requestFor(await filesOf(own)), places)
      const root = await putVendor(places, distribution, `${vendorRoot}${newRoot}`)
      await rebase(rebasing(), places)
      const theirs = distribution === 'empty' ? '' : `${vendorRoot}${newRoot}`
      for (const path of root.bundles) expect(await textOf(places, path)).toBe(`${theirs}${own}`)
      const request = inPlace(await filesOf(own))
      expect(await addCertificates(request, places)).toMatchObject({changed: false})
    })
  },
)

it('links and modes of the vendor stay', async () => {
  const places = severalPlaces()
  await putVendor(places, 'ubi')
  await addCertificates(requestFor(await filesOf(company!)), places)
  const {path} = await fileOf(ours, '/etc/ssl/certs/ca-bundle.crt', places)
  expect(path).toBe('/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem')
  const listing = {part: {kind: 'all'}, limits: readLimits, temporary: tmpdir()} as const
  const {files} = await listFiles({...listing, reference: ours, path, recursive: false}, places)
  expect(files).toMatchObject([{type: 'file', mode: 0o444, uid: 0}])
})

it('other certificates take the place of the ones before', async () => {
  const places = severalPlaces()
  const {bundles} = await putVendor(places, 'debian')
  await addCertificates(requestFor(await filesOf(own)), places)
  const request = inPlace(await filesOf(proxy!))
  await addCertificates(request, places)
  expect(await textOf(places, bundles[0]!)).toBe(`${vendorRoot}${proxy}`)
  expect(await textOf(places, `/etc/ssl/certs/${hashOf(proxy!)}.0`)).toBe(proxy)
})

it('environment variables are set on request, to the bundle of the image', async () => {
  const places = severalPlaces()
  const {digest} = await putVendor(places, 'ubi')
  const files = await filesOf(company!)
  await addCertificates(requestFor(files, {setsEnv: true}), places)
  const stored = await places.place(vendor).getManifest('certs')
  const manifest = JSON.parse(Buffer.from(stored!.bytes).toString()) as {config: never}
  const parts: Uint8Array[] = []
  const blob = await places.place(vendor).openBlob(manifest.config)
  for await (const part of blob) parts.push(part)
  const {config} = JSON.parse(Buffer.concat(parts).toString()) as {config: {Env: string[]}}
  expect(config.Env).toEqual([
    'SSL_CERT_FILE=/etc/pki/tls/certs/ca-bundle.crt',
    'NODE_EXTRA_CA_CERTS=/etc/pki/tls/certs/ca-bundle.crt',
    'REQUESTS_CA_BUNDLE=/etc/pki/tls/certs/ca-bundle.crt',
  ])
  expect(await remove(removal(), places)).toMatchObject({original: true, digest})
})

it('an image without a bundle is told so', async () => {
  const places = severalPlaces()
  await putVendor(places, 'empty')
  const notices: string[] = []
  const report = (event: {kind: string; message?: string}) =>
    void notices.push(`${event.kind} ${event.message ?? ''}`)
  const files = await filesOf(company!)
  await addCertificates(requestFor(files), {...places, report})
  const made = '/etc/ssl/certs/ca-certificates.crt is made'
  expect(notices.join('\n')).toContain(`notice the image has no bundle of certificates: ${made}`)
  const reference = parseReference(`${vendor}:v1`)
  const directory = await tempDir()
  await update(updateRequest({reference, name: 'tool', path: '/opt/tool', directory}), places)
  await addCertificates(requestFor(files), {...places, report})
  expect(notices.join('\n')).toContain(
    `warning the image has no bundle of certificates outside its slots (tool): ${made}`,
  )
})

it('the list names subject, fingerprint, validity, slot and files', async () => {
  const places = severalPlaces()
  await putVendor(places, 'debian')
  await addCertificates(requestFor(await filesOf(company!)), places)
  const {certificates} = await listCertificates({reference: ours}, places)
  expect(certificates).toMatchObject([
    {
      subject: 'CN=localhost',
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      slot: 'certs',
      paths: ['/etc/ssl/certs/ca-certificates.crt', '/etc/ssl/certs/java/cacerts'],
    },
  ])
  const inspected = await inspect({reference: ours}, places)
  expect('slots' in inspected && inspected.slots.map(({name}) => name)).toEqual(['certs'])
})

describe('what is refused', () => {
  const adding = async (
    texts: readonly string[],
    more: Partial<CertificatesRequest['certificates']> = {},
    entries = trustRoot('debian', vendorRoot!).entries,
    config = {},
  ) => {
    const places = severalPlaces()
    await putImage(places.place(vendor), {layers: [{entries}], config})
    return addCertificates(requestFor(await filesOf(...texts), more), places)
  }

  it('a private key', async () => {
    const {key, certificate} = makeCertificate()
    await expect(adding([certificate + key])).rejects.toMatchObject({
      code: 'ERR_INJECT_PRIVATE_KEY',
    })
  })

  it.each([
    ['nothing', ''],
    ['DER', Buffer.from(pemBlocks(makeCertificate().certificate)[0]!.bytes!).toString('latin1')],
    ['a certificate that is cut off', company!.slice(0, 200)],
    ['PEM that is not base64', '-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n'],
    ['base64 of something else', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
    ['another kind', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n'],
  ])('a file with %s', async (_, text) => {
    await expect(adding([text])).rejects.toMatchObject({code: 'ERR_INJECT_CERTIFICATE_INVALID'})
  })

  it('an expired one, by name, until it is allowed', async () => {
    const {certificate} = makeCertificate({expired: true})
    await expect(adding([certificate])).rejects.toMatchObject({
      code: 'ERR_INJECT_CERTIFICATE_EXPIRED',
      message: expect.stringContaining('CN=localhost') as string,
    })
    await expect(adding([certificate], {allowExpired: true})).resolves.toMatchObject({
      changed: true,
    })
  })

  it('too many', async () => {
    const block = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
    await expect(adding([block.repeat(1001)])).rejects.toMatchObject({
      code: 'ERR_INJECT_TOO_MANY_CERTIFICATES',
    })
  })

  it('an image of Windows', async () => {
    await expect(adding([company!], {}, undefined, {os: 'windows'})).rejects.toMatchObject({
      code: 'ERR_INJECT_CERTS_WINDOWS',
    })
  })

  it('a keystore with another password, unless Java is left out', async () => {
    const {entries} = trustRoot('distroless', vendorRoot!)
    const broken = Buffer.concat([Buffer.from('feedfeed0000000200000000', 'hex'), Buffer.alloc(20)])
    const all = [...entries, ...makeRoot([makeFile('opt/jdk/lib/security/cacerts', broken)])]
    await expect(adding([company!], {}, all)).rejects.toMatchObject({
      code: 'ERR_INJECT_KEYSTORE_UNREADABLE',
    })
    await expect(adding([company!], {skipsJava: true}, all)).resolves.toMatchObject({changed: true})
  })

  it('a bundle behind links in a circle, and one of more than 16 MiB', async () => {
    const bundle = 'etc/ssl/certs/ca-certificates.crt'
    const circle = [makeLink(bundle, 'x'), makeLink('etc/ssl/certs/x', 'ca-certificates.crt')]
    await expect(adding([company!], {}, makeRoot(circle))).rejects.toMatchObject({
      code: 'ERR_INJECT_LINK_IN_THE_WAY',
    })
    const huge = makeRoot([makeFile(bundle, new Uint8Array(16 * 1024 * 1024 + 1))])
    await expect(adding([company!], {}, huge)).rejects.toMatchObject({
      code: 'ERR_INJECT_MERGE_TOO_LARGE',
    })
  })
})

it('a bundle that a later layer deleted is not there', async () => {
  const places = severalPlaces()
  const {entries} = trustRoot('distroless', vendorRoot!)
  const upper = [makeEntry('etc/'), makeEntry('etc/ssl/'), makeEntry('etc/ssl/.wh.certs')]
  await putImage(places.place(vendor), {layers: [{entries}, {entries: upper}]})
  await addCertificates(requestFor(await filesOf(company!)), places)
  expect(await textOf(places, '/etc/ssl/certs/ca-certificates.crt')).toBe(company)
})
