import {mkdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import type {Digest} from '../../src/oci/digest.js'
import {dockerManifest, ociManifest} from '../../src/oci/media-type.js'
import {parseReference} from '../../src/oci/names/reference.js'
import {remove} from '../../src/operations/remove.js'
import {setup} from '../../src/operations/setup.js'
import {update} from '../../src/operations/update.js'
import {createFakeRegistry} from '../support/fake-registry.js'
import {startFakeServer} from '../support/fake-server.js'
import {collect, openRegistry, sourceOf} from '../support/open-registry.js'
import {operationPorts} from '../support/operation-ports.js'
import {putImage, smallLayer} from '../support/put-image.js'
import {type Quirk, serveQuirks} from '../support/quirk-registry.js'
import * as quirks from '../support/quirks.js'
import {tempDir} from '../support/temp-dir.js'
import {createTokenService} from '../support/token-server.js'
import {injectionRequest, updateRequest} from '../support/update-options.js'

async function start(list: readonly Quirk[], family: 'oci' | 'docker' = 'oci') {
  const registry = await serveQuirks(list)
  const behind = openRegistry(registry.behind.address).store
  const {digest} = await putImage(behind, {layers: [smallLayer('base')], family})
  const opened = openRegistry(registry.address)
  const reference = parseReference(`${registry.address}/team/app:v1`)
  return {...opened, registry, behind, original: digest, reference}
}

async function directory(): Promise<string> {
  const root = await tempDir()
  await mkdir(join(root, 'cvmfs'))
  await writeFile(join(root, 'cvmfs', 'file'), 'new')
  return root
}

/** Sets up, updates and removes; where the tag is in the end. */
async function goRound({store, reference, behind}: Awaited<ReturnType<typeof start>>) {
  const ports = operationPorts(store)
  await setup(injectionRequest({reference}), ports)
  await update(updateRequest({reference, directory: await directory()}), ports)
  const between = await behind.getManifest('v1')
  await remove(injectionRequest({reference}), ports)
  return {between: between?.descriptor.mediaType, end: await behind.statManifest('v1')}
}

describe('manifests that are served as something general', () => {
  it.each([
    ['oci', 'application/json', ociManifest],
    ['docker', 'application/json; charset=utf-8', dockerManifest],
    ['docker', 'text/plain', dockerManifest],
    ['oci', 'application/octet-stream', ociManifest],
  ] as const)('an image of %s as %s goes round', async (family, served, mediaType) => {
    const place = await start([quirks.generalMediaType(served)], family)
    expect(await goRound(place)).toEqual({between: mediaType, end: place.original})
  })

  it.each(['oci', 'docker'] as const)(
    'an image of %s that does not name itself',
    async (family) => {
      const place = await start([quirks.generalMediaType('application/json')], family)
      const stored = await place.behind.getManifest('v1')
      if (!stored) throw new Error('there is no image')
      const document = JSON.parse(Buffer.from(stored.bytes).toString()) as object
      const rest = {...document, mediaType: undefined}
      const bytes = Buffer.from(JSON.stringify(rest))
      const {digest} = await place.behind.putManifest(bytes, stored.descriptor.mediaType, {
        tags: [{tag: 'v1', from: undefined}],
      })
      const {mediaType} = stored.descriptor
      expect(await goRound(place)).toEqual({between: mediaType, end: digest})
    },
  )
})

describe('tags', () => {
  it.each<[string, readonly Quirk[]]>([
    ['whose HEAD is always 404', [quirks.tagsWithoutHead]],
    ['that stand still for a moment after a move', [quirks.staleTags(3)]],
    ['that do both', [quirks.staleTags(1), quirks.tagsWithoutHead]],
  ])('%s are moved, and moved back', async (_, list) => {
    const place = await start(list)
    expect(await goRound(place)).toEqual({between: ociManifest, end: place.original})
  })
})

describe('refusals say what to do', () => {
  it.each<[string, Quirk, string, RegExp]>([
    [
      'a repository that must be created first',
      quirks.noRepository,
      'ERR_INJECT_NOT_FOUND',
      /does not create repositories on a push: create it there first$/,
    ],
    ['what is locked', quirks.locked, 'ERR_INJECT_DENIED', /unlock it there/],
    ['a quota', quirks.overQuota, 'ERR_INJECT_REGISTRY_FULL', /quota for storage/],
    [
      'a manifest of the wrong kind',
      quirks.manifestInvalid,
      'ERR_INJECT_REGISTRY_ANSWER',
      /does not accept this kind of manifest/,
    ],
  ])('%s', async (_, quirk, code, hint) => {
    const place = await start([quirk])
    const request = updateRequest({reference: place.reference, directory: await directory()})
    await expect(update(request, operationPorts(place.store))).rejects.toMatchObject({
      code,
      hint: expect.stringMatching(hint) as string,
    })
    expect(await place.behind.statManifest('v1')).toBe(place.original)
  })

  it('shows the detail of a manifest that is refused', async () => {
    const {store} = await start([quirks.manifestInvalid])
    await expect(store.putManifest(Buffer.from('{}'), ociManifest)).rejects.toThrow(
      /answered 400 MANIFEST_INVALID: manifest invalid \(schema mismatch\)/,
    )
  })
})

describe('blobs at another registry', () => {
  const login = {username: 'me', password: 'pass-canary'}

  /** A registry that sends those who want blobs to another one, which wants tokens. */
  async function startBoth(anonymous: boolean) {
    const tokens = createTokenService(() => 'realm', anonymous ? {} : {login: 'other:else'})
    const fake = createFakeRegistry()
    const other = await startFakeServer((request) =>
      request.path.endsWith('realm')
        ? tokens.handler(request)
        : (tokens.guard(request) ?? fake.handler(request)),
    )
    const registry = await serveQuirks([quirks.blobsAt(other.address)])
    const {store} = openRegistry(registry.address, {credentials: login})
    const direct = openRegistry(other.address, {
      credentials: anonymous ? undefined : {username: 'other', password: 'else'},
    })
    const blob = await direct.store.putBlob(sourceOf('bytes'))
    const before = other.requests.length
    return {store, blob, seen: () => other.requests.slice(before), other}
  }

  it('are asked for with a token of its own, and without our credentials', async () => {
    const {store, blob, seen} = await startBoth(true)
    const {digest, size} = blob
    const text = (await collect(await store.openBlob({digest, size}))).toString()
    expect(text).toBe('bytes')
    expect(await store.statBlob(digest)).toEqual({digest, size})
    expect(seen().filter(({path}) => path.endsWith('realm'))).toHaveLength(1)
    const sent = seen().map(({headers}) => headers.authorization ?? '')
    expect(sent.filter((value) => value.startsWith('Bearer token-'))).toHaveLength(2)
    expect(sent.some((value) => value.startsWith('Basic'))).toBe(false)
  })

  it('that are refused there name who refused them', async () => {
    const {store, blob, other} = await startBoth(false)
    await expect(store.openBlob(blob)).rejects.toMatchObject({
      code: 'ERR_INJECT_UNAUTHORIZED',
      message: expect.stringContaining(
        `the token server at http://${other.address}/realm refused anonymous access`,
      ) as string,
      hint: 'it was asked without credentials; ask the operator of the registry',
    })
  })

  it.each([401, 403])('that are refused with %i and no challenge do, too', async (status) => {
    const other = await startFakeServer(() => ({status}))
    const registry = await serveQuirks([quirks.blobsAt(other.address)])
    const {store} = openRegistry(registry.address, {credentials: login})
    const digest = `sha256:${'a'.repeat(64)}` as Digest
    await expect(store.openBlob({digest, size: 1})).rejects.toMatchObject({
      message: expect.stringContaining(
        `: ${other.address}, where the registry sent us, answered ${status}`,
      ) as string,
      hint: 'it was asked without credentials; ask the operator of the registry',
    })
  })
})
