import {expect, it} from 'vitest'
import type {Digest} from '../../src/oci/digest.js'
import {parseReference} from '../../src/oci/names/reference.js'
import {renderInspect} from '../../src/cli/render/inspect.js'
import {originName} from '../../src/operations/find/image-request.js'
import {inspect} from '../../src/operations/inspect.js'
import {remove} from '../../src/operations/remove.js'
import {setup} from '../../src/operations/setup.js'
import {update} from '../../src/operations/update.js'
import {severalPlaces} from '../support/several-places.js'
import {injectionRequest, updateRequest} from '../support/update-options.js'
import {makeTree, putVendor, putVendorIndex} from '../support/vendor.js'

const repository = 'registry.example/vendor/app'
const reference = parseReference(`${repository}:v1`)
type Places = ReturnType<typeof severalPlaces>

/** What an image's manifest or index, and its config if it has one, say of where it comes from. */
async function said(places: Places, tag: string): Promise<Record<string, string>> {
  const store = places.place(repository)
  const stored = await store.getManifest(tag)
  const manifest = JSON.parse(Buffer.from(stored?.bytes ?? []).toString()) as {
    annotations?: Record<string, string>
    config?: {digest: Digest; size: number}
  }
  const labels = manifest.config && (await labelsOf(store, manifest.config))
  const all = Object.entries({...labels, ...manifest.annotations})
  return Object.fromEntries(all.filter(([key]) => /^(?:dev\.inject|org\.)/.test(key)))
}

async function labelsOf(store: ReturnType<Places['place']>, blob: {digest: Digest; size: number}) {
  const chunks = []
  for await (const chunk of await store.openBlob(blob)) chunks.push(chunk)
  const {config} = JSON.parse(Buffer.concat(chunks).toString()) as {
    config: {Labels?: Record<string, string>}
  }
  return config.Labels
}

it.each([
  ['registry.example/app:v1', 'registry.example/app:v1'],
  ['app', 'docker.io/library/app:latest'],
  [`app:v1@sha256:${'0'.repeat(64)}`, 'docker.io/library/app:v1'],
  [`app@sha256:${'0'.repeat(64)}`, undefined],
  ['oci:/srv/layout:v1', undefined],
])('%s is remembered as %s', (text, name) => {
  expect(originName(parseReference(text))).toBe(name)
})

it.each(['oci', 'docker'] as const)(
  'an image in %s format remembers the tag and the digest that it was made from, from its first slot on',
  async (family) => {
    const places = severalPlaces()
    const {digest} = await putVendor(places.place(repository), 'one', {family})
    await setup(injectionRequest({reference, tags: ['data']}), places)
    const origin = {'dev.inject.base': digest, 'dev.inject.base.name': `${repository}:v1`}
    expect(await said(places, 'data')).toEqual(origin)
    const seen = await inspect({reference: parseReference(`${repository}:data`)}, places)
    expect(seen.origin).toEqual({digest, name: `${repository}:v1`})
    expect(renderInspect(seen)).toContain(`\nmade from ${repository}:v1@${digest}`)
    // the tag that the second slot comes by is ours
    const directory = await makeTree({file: 'x'})
    const data = parseReference(`${repository}:data`)
    await update(updateRequest({reference: data, name: 'other', path: '/x', directory}), places)
    expect(await said(places, 'data')).toMatchObject(origin)
    await remove(injectionRequest({reference: data}), places)
    const last = injectionRequest({reference: data, name: 'other'})
    expect(await remove(last, places)).toMatchObject({original: true, digest})
  },
)

it('an index remembers it, too, and each of its images its own', async () => {
  const places = severalPlaces()
  const {digest} = await putVendorIndex(places.place(repository), 'one', ['amd64', 'arm64'])
  const one = [{os: 'linux', architecture: 'amd64'}]
  const options = {reference, tags: ['data'], directory: await makeTree({'cvmfs/x': ''})}
  await update(updateRequest({...options, platforms: one}), places)
  const name = `${repository}:v1`
  expect(await said(places, 'data')).toEqual({
    'dev.inject.base': digest,
    'dev.inject.base.name': name,
  })
  // the other image is found by a tag of ours, and still comes from the vendor's
  const data = parseReference(`${repository}:data`)
  await update(updateRequest({...options, reference: data, platforms: 'all'}), places)
  const result = await inspect({reference: data}, places)
  if (!('images' in result)) throw new Error('not an index')
  for (const {digest: image} of result.images)
    expect(await said(places, image)).toMatchObject({'dev.inject.base.name': name})
})

it.each(['oci', 'docker'] as const)(
  'an image in %s format that was injected before this is not rewritten to say it',
  async (family) => {
    const places = severalPlaces()
    const store = places.place(repository)
    const {digest} = await putVendor(store, 'one', {family})
    const directory = await makeTree({'cvmfs/file': 'x'})
    // by digest: as images were made before, without a name
    const old = parseReference(`${repository}@${digest}`)
    await update(updateRequest({reference: old, tags: ['data'], directory}), places)
    expect(await said(places, 'data')).toEqual({'dev.inject.base': digest})
    const before = await store.statManifest('data')
    const again = updateRequest({reference: parseReference(`${repository}:data`), directory})
    expect(await update(again, places)).toMatchObject({changed: false, tags: []})
    const base = {...again, layer: {...again.layer, parents: 'base'}} as const
    expect(await update(base, places)).toMatchObject({changed: false, tags: []})
    expect(await store.statManifest('data')).toBe(before)
  },
)

it.each(['oci', 'docker'] as const)(
  'in %s format the annotations of the specification are written on request, and taken back',
  async (family) => {
    const places = severalPlaces()
    const {digest} = await putVendor(places.place(repository), 'one', {family})
    const directory = await makeTree({'cvmfs/file': 'x'})
    const asked = updateRequest({reference, tags: ['data'], directory})
    await update({...asked, layer: {...asked.layer, baseAnnotations: true}}, places)
    expect(await said(places, 'data')).toMatchObject({
      'org.opencontainers.image.base.name': `${repository}:v1`,
      'org.opencontainers.image.base.digest': digest,
    })
    const data = parseReference(`${repository}:data`)
    expect(await remove(injectionRequest({reference: data}), places)).toMatchObject({digest})
  },
)
