import {mkdir, readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {execa} from 'execa'
import {describe, expect, it} from 'vitest'
import {openArchive} from '../../src/archive/open-archive.js'
import {copy} from '../../src/operations/copy/copy.js'
import {findDocument} from '../../src/operations/find/find-document.js'
import {update} from '../../src/operations/update.js'
import {parseReference, type Reference} from '../../src/oci/names/reference.js'
import type {ContentStore} from '../../src/store/content-store.js'
import {openLayoutStore} from '../../src/store/layout/layout-store.js'
import {createMemoryStore} from '../../src/store/memory-store.js'
import {listed as listedItems} from '../support/open-registry.js'
import {operationPorts} from '../support/operation-ports.js'
import {putImage, smallLayer} from '../support/put-image.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'
import {updateRequest} from '../support/update-options.js'

const ref = 'org.opencontainers.image.ref.name'
const full = 'docker.io/library/alpine:3.1'

/** Opens what is on disk; a registry is a store in memory. */
function ports(registry: ContentStore = createMemoryStore('registry.example/app')) {
  const open = async (
    reference: Reference,
    {writes, create}: {writes: boolean; create?: boolean | undefined},
  ): Promise<ContentStore> => {
    if (reference.kind === 'layout') return openLayoutStore(reference.directory, {create})
    if (reference.kind !== 'registry' && reference.kind !== 'fast')
      return openArchive(reference, {writes, create, temporary: '/tmp'})
    return registry
  }
  return {...operationPorts(registry), openStore: open}
}

/** A layout with one image for each name; `undefined`: none. */
async function layout(...names: (string | undefined)[]): Promise<string> {
  const directory = join(await tempDir(), 'layout')
  const store = await openLayoutStore(directory, {create: true})
  for (const [at, name] of names.entries())
    await putImage(store, {layers: [smallLayer(`layer${at}`)], tag: name ?? `none${at}`})
  const path = join(directory, 'index.json')
  const index = JSON.parse(await readFile(path, 'utf8')) as {
    manifests: {annotations?: Record<string, string>}[]
  }
  for (const [at, name] of names.entries())
    if (name === undefined) delete index.manifests[at]?.annotations
  await writeFile(path, JSON.stringify(index))
  return directory
}

async function find(text: string) {
  const reference = parseReference(text)
  const opened = await ports().openStore(reference, {writes: false})
  return findDocument(opened, reference, ports())
}

const copyOptions = {
  tags: [],
  allTags: false,
  noClobber: false,
  dryRun: false,
  referrers: false,
  platforms: undefined,
}

describe('an image with a whole name in a layout', () => {
  it.each([full, 'localhost/ko:latest', 'alpine:3.1', 'reg.example:5000/a/b:1'])(
    'is found, and updated under its name: %s',
    async (name) => {
      const directory = await layout(name)
      const reference = parseReference(`oci:${directory}:${name}`)
      expect((await find(`oci:${directory}:${name}`)).tag).toBe(name)
      const content = await tempDir()
      await mkdir(join(content, 'cvmfs'))
      await update(updateRequest({reference, directory: content}), ports())
      const index = JSON.parse(await readFile(join(directory, 'index.json'), 'utf8')) as {
        manifests: {annotations?: Record<string, string>}[]
      }
      const names = index.manifests.map(({annotations}) => annotations?.[ref])
      expect(names).toEqual([undefined, name])
    },
  )

  it('is copied to a registry under its tag', async () => {
    const directory = await layout(full)
    const registry = createMemoryStore('registry.example/app')
    const source = parseReference(`oci:${directory}:${full}`)
    const target = parseReference('registry.example/app')
    await copy({...copyOptions, source, target}, ports(registry))
    expect(await registry.statManifest('3.1')).toBeDefined()
  })

  it('is copied with all others: to a registry by tag, to a layout by name', async () => {
    const directory = await layout(full, 'localhost/ko:latest', 'v1')
    const registry = createMemoryStore('registry.example/app')
    const options = {...copyOptions, source: parseReference(`oci:${directory}`), allTags: true}
    await copy({...options, target: parseReference('registry.example/app')}, ports(registry))
    expect(await listedItems(registry.listTags())).toEqual(['3.1', 'latest', 'v1'])
    const other = join(await tempDir(), 'other')
    await copy({...options, target: parseReference(`oci:${other}`)}, ports())
    expect((await find(`oci:${other}:${full}`)).tag).toBe(full)
  })

  it('is not copied over another one with the same tag', async () => {
    const directory = await layout(full, 'localhost/ko:3.1')
    const registry = createMemoryStore('registry.example/app')
    const options = {...copyOptions, source: parseReference(`oci:${directory}`), allTags: true}
    await expect(
      copy({...options, target: parseReference('registry.example/app')}, ports(registry)),
    ).rejects.toMatchObject({code: 'ERR_INJECT_IMAGE_AMBIGUOUS'})
    expect(await listedItems(registry.listTags())).toEqual([])
  })
})

/** What the hint for a missing image lists. */
async function listed(text: string): Promise<string[]> {
  const hint = await find(text).then(
    () => '',
    (error: unknown) => (error as {hint: string}).hint,
  )
  expect(hint).toMatch(/^images there: /)
  return hint.slice('images there: '.length).split(', ')
}

it.each([
  ['a layout', (place: string) => `oci:${place}`],
  ['a layout whose name has a colon', (place: string) => `oci:${place}/`],
])('whatever the hint lists of %s can be typed', async (what, typed) => {
  const made = await layout(full, undefined, 'v1', 'Not A Name')
  const directory = what.includes('colon') ? `${made}:a` : made
  if (directory !== made) await execa('mv', [made, directory])
  const names = await listed(`${typed(directory)}:other`)
  expect(names).toHaveLength(4)
  expect(names.filter((name) => name.includes('@sha256:'))).toHaveLength(2)
  for (const name of names) {
    expect(name).toMatch(/:v1$|:3\.1$| \(linux\/amd64\)$/)
    await expect(find(name.replace(/ \(.*/, ''))).resolves.toMatchObject({kind: 'image'})
  }
})

describeWith(['skopeo'], 'archives of several images', () => {
  async function archives() {
    const folder = await tempDir()
    const directory = await layout('x.example/a:v1', 'x.example/b:v1', 'c')
    const config = join(folder, 'policy.json')
    await writeFile(config, '{"default": [{"type": "insecureAcceptAnything"}]}')
    return {
      folder,
      directory,
      skopeo: (...words: string[]) => execa('skopeo', ['--policy', config, ...words]),
    }
  }

  it('skopeo reads the same names from a layout', async () => {
    const {directory, skopeo} = await archives()
    for (const name of ['x.example/a:v1', 'c']) {
      const {stdout} = await skopeo('inspect', '--raw', `oci:${directory}:${name}`)
      const {digest} = (JSON.parse(stdout) as {config: {digest: string}}).config
      const found = await find(`oci:${directory}:${name}`)
      expect(found.kind === 'image' && found.manifest.value.config.digest).toBe(digest)
    }
  })

  it('an image of a docker-archive is found by place, digest or ID, as skopeo has it', async () => {
    const {folder, directory, skopeo} = await archives()
    const file = join(folder, 'a.tar')
    await skopeo('copy', `oci:${directory}:x.example/a:v1`, `docker-archive:${file}`)
    const byPlace = await find(`docker-archive:${file}:@0`)
    if (byPlace.kind !== 'image') throw new Error('not an image')
    const {digest} = byPlace.manifest.descriptor
    const id = byPlace.manifest.value.config.digest
    const {stdout} = await skopeo('inspect', '--raw', `docker-archive:${file}:@0`)
    expect((JSON.parse(stdout) as {config: {digest: string}}).config.digest).toBe(id)
    for (const name of [digest, id])
      expect(await find(`docker-archive:${file}@${name}`)).toMatchObject({
        manifest: {descriptor: {digest}},
      })
    await expect(find(`docker-archive:${file}:@1`)).rejects.toMatchObject({
      code: 'ERR_INJECT_IMAGE_NOT_FOUND',
      hint: 'they are counted from 0: docker-archive:FILE:@0 to @0',
    })
    expect(await listed(`docker-archive:${file}:y/z:v1`)).toEqual([`docker-archive:${file}:@0`])
  })

  it('the wrong prefix is named', async () => {
    const {folder, directory, skopeo} = await archives()
    const docker = join(folder, 'd.tar')
    const oci = join(folder, 'o.tar')
    await skopeo('copy', `oci:${directory}:c`, `docker-archive:${docker}:c:v1`)
    await skopeo('copy', `oci:${directory}:c`, `oci-archive:${oci}:c`)
    await expect(find(`oci-archive:${docker}`)).rejects.toMatchObject({
      hint: `it is an archive of the other kind: use docker-archive:${docker}`,
    })
    await expect(find(`docker-archive:${oci}`)).rejects.toMatchObject({
      hint: `it is an archive of the other kind: use oci-archive:${oci}`,
    })
    await expect(find(`oci:${oci}`)).rejects.toMatchObject({
      hint: `for an archive use oci-archive:${oci} or docker-archive:${oci}`,
    })
    await expect(find(`docker-archive:${directory}`)).rejects.toMatchObject({
      hint: `a layout is a directory: oci:${directory}`,
    })
  })
})
