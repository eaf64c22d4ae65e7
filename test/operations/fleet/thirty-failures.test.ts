import {createHash} from 'node:crypto'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {reportFails} from '../../../src/fleet/report/outcome.js'
import {ociConfig, ociIndex, ociManifest} from '../../../src/oci/media-type.js'
import type {ContentStore} from '../../../src/store/content-store.js'
import {streamOf} from '../../../src/stream/bytes.js'
import {
  digestAt,
  fleetFolder,
  putVendors,
  repositoryAt,
  writeSource,
} from '../../support/fleet-runs.js'
import {putImage, smallLayer} from '../../support/put-image.js'
import {type QuirkAnswer, type QuirkRequest, serveQuirks} from '../../support/quirk-registry.js'
import {putVendorIndex} from '../../support/vendor.js'

const slots = [{name: 'certs', source: './certs', path: '/etc/ssl/certs'}]

type Scripted = (request: QuirkRequest) => QuirkAnswer | undefined

/** One way to fail. */
interface Way {
  readonly title: string
  readonly code: string
  readonly status?: 'unknown'
  /** What is in its repository; default: an image that is all right. */
  readonly put?: (store: ContentStore) => Promise<unknown>
  /** What the registry answers in place of the truth. */
  readonly answer?: Scripted
  /** Of its entry in the file. */
  readonly rules?: object
}

const isManifest = ({path}: QuirkRequest) => path.includes('/manifests/')
const isBlob = ({path}: QuirkRequest) => /\/blobs\/sha256:/.test(path)
const isUpload = ({path}: QuirkRequest) => path.includes('/blobs/uploads/')
const isRead = ({method}: QuirkRequest) => method === 'GET' || method === 'HEAD'

type Choice = (request: QuirkRequest) => boolean
const both =
  (...choices: readonly Choice[]): Choice =>
  (request) =>
    choices.every((choice) => choice(request))
const isPut: Choice = ({method}) => method === 'PUT'

/** An error of a registry, for the requests that are chosen. */
const refuses =
  (status: number, code: string, choice: Choice = () => true): Scripted =>
  (request) =>
    choice(request)
      ? {
          status,
          headers: {'content-type': 'application/json'},
          body: JSON.stringify({errors: [{code, message: code.toLowerCase()}]}),
        }
      : undefined

/** Says that its tag names a document. */
const tagged =
  (mediaType: string, document: string | object, digest?: string): Scripted =>
  ({path}) => {
    if (!path.includes('/manifests/')) return undefined
    const body = typeof document === 'string' ? document : JSON.stringify(document)
    const own = digest ?? `sha256:${createHash('sha256').update(body).digest('hex')}`
    return {
      status: 200,
      headers: {
        'content-type': mediaType,
        'docker-content-digest': own,
        'content-length': String(Buffer.byteLength(body)),
      },
      body,
    }
  }

const zeros = `sha256:${'0'.repeat(64)}`
const linux = {os: 'linux', architecture: 'amd64'}
const child = {mediaType: ociManifest, digest: zeros, size: 100, platform: linux}
const indexOf = (...manifests: object[]) => ({schemaVersion: 2, mediaType: ociIndex, manifests})
const image = (config: object, layers: readonly object[]) => ({
  ...{schemaVersion: 2, mediaType: ociManifest, layers},
  config: {mediaType: ociConfig, digest: zeros, size: 10, ...config},
})
const putSmall = (store: ContentStore) => putImage(store, {layers: [smallLayer('x')]})

const ways: readonly Way[] = [
  {title: 'gone', code: 'ERR_INJECT_IMAGE_NOT_FOUND', put: () => Promise.resolve()},
  {
    title: 'tag-gone',
    code: 'ERR_INJECT_IMAGE_NOT_FOUND',
    put: (store) => putImage(store, {layers: [], tag: 'v2'}),
  },
  {title: 'no-right-401', code: 'ERR_INJECT_UNAUTHORIZED', answer: refuses(401, 'UNAUTHORIZED')},
  {title: 'no-right-403', code: 'ERR_INJECT_DENIED', answer: refuses(403, 'DENIED')},
  {
    title: 'no-right-to-push-401',
    code: 'ERR_INJECT_UNAUTHORIZED',
    answer: refuses(401, 'UNAUTHORIZED', (request) => !isRead(request)),
  },
  {
    title: 'no-right-to-push-403',
    code: 'ERR_INJECT_DENIED',
    answer: refuses(403, 'DENIED', (request) => !isRead(request)),
  },
  {
    title: 'read-only',
    code: 'ERR_INJECT_REGISTRY_ANSWER',
    answer: refuses(405, 'UNSUPPORTED', isUpload),
  },
  {
    title: 'too-large',
    code: 'ERR_INJECT_REFUSED_AS_TOO_LARGE',
    answer: refuses(413, 'SIZE_INVALID', isUpload),
  },
  {
    title: 'layer-refused',
    code: 'ERR_INJECT_REGISTRY_ANSWER',
    answer: refuses(400, 'BLOB_UPLOAD_INVALID', isUpload),
  },
  {
    title: 'manifest-refused',
    code: 'ERR_INJECT_REGISTRY_ANSWER',
    answer: refuses(400, 'MANIFEST_INVALID', both(isManifest, isPut)),
  },
  {
    title: 'tag-immutable',
    code: 'ERR_INJECT_TAG_IMMUTABLE',
    answer: refuses(409, 'DENIED', both(isManifest, isPut)),
  },
  {
    title: 'precondition-refused',
    code: 'ERR_INJECT_REGISTRY_ANSWER',
    answer: refuses(412, 'DENIED', both(isManifest, isPut)),
  },
  {
    title: 'blob-lost',
    code: 'ERR_INJECT_MANIFEST_BLOB_UNKNOWN',
    answer: refuses(400, 'MANIFEST_BLOB_UNKNOWN', both(isManifest, isPut)),
  },
  {title: 'full', code: 'ERR_INJECT_REGISTRY_FULL', answer: refuses(507, 'UNKNOWN', isUpload)},
  {
    title: 'broken',
    code: 'ERR_INJECT_REGISTRY_ANSWER',
    status: 'unknown',
    answer: refuses(500, 'UNKNOWN'),
  },
  {
    title: 'busy',
    code: 'ERR_INJECT_RATE_LIMITED',
    status: 'unknown',
    answer: refuses(429, 'TOOMANYREQUESTS'),
  },
  {
    title: 'schema-1',
    code: 'ERR_INJECT_SCHEMA1',
    answer: tagged('application/vnd.docker.distribution.manifest.v1+prettyjws', {
      ...{schemaVersion: 1, name: 'x', tag: 'v1', architecture: 'amd64'},
      ...{fsLayers: [], history: [], signatures: []},
    }),
  },
  {
    title: 'foreign-type',
    code: 'ERR_INJECT_NOT_AN_IMAGE',
    answer: tagged('application/x-thing', {thing: 1}),
  },
  {
    title: 'login-page',
    code: 'ERR_INJECT_NOT_A_REGISTRY',
    answer: () => ({
      status: 200,
      headers: {'content-type': 'text/html'},
      body: '<html>log in</html>',
    }),
  },
  {
    title: 'not-json',
    code: 'ERR_INJECT_MANIFEST_INVALID',
    answer: tagged(ociManifest, '{"schemaVersion": 2,'),
  },
  {
    title: 'other-bytes',
    code: 'ERR_INJECT_DIGEST_MISMATCH',
    answer: tagged(ociManifest, image({}, []), zeros),
  },
  {
    title: 'broken-index',
    code: 'ERR_INJECT_INDEX_INVALID',
    answer: tagged(ociIndex, {schemaVersion: 2, manifests: 'all'}),
  },
  {
    title: 'empty-index',
    code: 'ERR_INJECT_PLATFORM_NOT_FOUND',
    answer: tagged(ociIndex, indexOf()),
  },
  {
    title: 'index-of-nothing',
    code: 'ERR_INJECT_IMAGE_NOT_IN_REPOSITORY',
    put: (store) => putVendorIndex(store, 'x', ['amd64', 'arm64']),
    answer: refuses(404, 'MANIFEST_UNKNOWN', ({path}) => path.includes('/manifests/sha256:')),
  },
  {
    title: 'no-such-platform',
    code: 'ERR_INJECT_PLATFORM_NOT_FOUND',
    put: (store) => putVendorIndex(store, 'x', ['amd64', 'arm64']),
    rules: {platforms: ['linux/riscv64']},
  },
  {
    title: 'artifact',
    code: 'ERR_INJECT_NOT_AN_IMAGE',
    async put(store) {
      const {digest, size} = await store.putBlob({open: () => streamOf(Buffer.from('{}'))})
      const config = {mediaType: 'application/vnd.example.config', digest, size}
      const manifest = {schemaVersion: 2, mediaType: ociManifest, config, layers: []}
      const bytes = Buffer.from(JSON.stringify(manifest))
      await store.putManifest(bytes, ociManifest, {tags: [{tag: 'v1', from: undefined}]})
    },
  },
  {
    title: 'config-gone',
    code: 'ERR_INJECT_BLOB_NOT_FOUND',
    answer: refuses(404, 'BLOB_UNKNOWN', both(isBlob, isRead)),
  },
  {
    title: 'config-other-bytes',
    code: 'ERR_INJECT_SIZE_MISMATCH',
    answer: (request) =>
      isBlob(request) && request.method === 'GET'
        ? {status: 200, headers: {}, body: '{"os":"linux","architecture":"amd64"}'}
        : undefined,
  },
  {
    title: 'config-invalid',
    code: 'ERR_INJECT_CONFIG_INVALID',
    put: (store) => putImage(store, {layers: [smallLayer('x')], config: {rootfs: 'nothing'}}),
  },
  {
    title: 'config-too-large',
    code: 'ERR_INJECT_DOCUMENT_TOO_LARGE',
    answer: tagged(ociManifest, image({size: 100_000_000}, [])),
  },
  {
    title: 'no-layer',
    code: 'ERR_INJECT_SLOT_LOST',
    async put(store) {
      const labels = {certs_injection_tar: `sha256:${'1'.repeat(64)}`}
      await putImage(store, {labels, layers: [smallLayer('x')]})
    },
  },
  {
    title: 'more-layers-than-diff-ids',
    code: 'ERR_INJECT_IMAGE_INCONSISTENT',
    put: (store) =>
      putImage(store, {
        layers: [smallLayer('x')],
        config: {rootfs: {type: 'layers', diff_ids: []}},
      }),
  },
  {
    title: 'foreign-target',
    code: 'ERR_INJECT_FLEET_TARGET',
    put: (store) =>
      putImage(store, {layers: [smallLayer('mine')], tag: 'v1-certs'}).then(() => putSmall(store)),
    rules: {target: '{{registry}}/{{repository}}:{{tag}}-certs'},
  },
  {
    title: 'two-formats',
    code: 'ERR_INJECT_AMBIGUOUS_DOCUMENT',
    answer: tagged(ociManifest, {...image({}, []), manifests: [child]}),
  },
]

/** Repositories whose image fails are `fail/TITLE`. */
function answerOf(request: QuirkRequest): QuirkAnswer | undefined {
  const [, title] = /^\/v2\/fail\/([^/]+)\//.exec(request.path) ?? []
  return ways.find((way) => way.title === title)?.answer?.(request)
}

it('images that fail in different ways are each named once, and the others are done', async () => {
  const {address, behind} = await serveQuirks([
    (request, forward) => answerOf(request) ?? forward(),
  ])
  const good = await putVendors(address, 30)
  for (const {title, put = putSmall} of ways)
    await put(repositoryAt(behind.address, `fail/${title}`))
  const fleet = await fleetFolder()
  writeSource(join(fleet.folder, 'certs'), {'ca.pem': 'content'})
  const failing = ways.map(({title, rules}) => ({image: `${address}/fail/${title}:v1`, ...rules}))
  // mixed, so that what fails is begun beside what does not
  const images = good.flatMap((each, at) => [each, ...failing.slice(at * 2, at * 2 + 2)])
  fleet.write({fleet: 'certs', images, slots})
  const before = await Promise.all(
    ways.map(({title}) => digestAt(`${behind.address}/fail/${title}:v1`)),
  )
  const report = await fleet.apply()
  const {outcomes, totals} = report
  const said = ways.map(({title}) => {
    const own = outcomes.filter(({reference}) => reference === `${address}/fail/${title}:v1`)
    expect(own).toHaveLength(1)
    const {status, code, reason, nextStep, after} = own[0]!
    expect(after).toBeNull()
    expect(reason).not.toContain('\n')
    return {title, status, code, reason, nextStep}
  })
  expect(said.map(({title, status, code}) => [title, status, code])).toEqual(
    ways.map(({title, status = 'failed', code}) => [title, status, code]),
  )
  for (const {title, reason, nextStep} of said)
    expect([title, reason, nextStep]).toEqual([title, expect.any(String), expect.any(String)])
  expect(totals.updated).toBe(good.length)
  expect(outcomes).toHaveLength(good.length + ways.length)
  expect(reportFails(report)).toBe(true)
  const after = await Promise.all(
    ways.map(({title}) => digestAt(`${behind.address}/fail/${title}:v1`)),
  )
  expect(after).toEqual(before)
})
