import {execa} from 'execa'
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {parseReference} from '../../src/oci/names/reference.js'
import {renderInspect, renderSlots} from '../../src/cli/render/inspect.js'
import {inspect} from '../../src/operations/inspect.js'
import {remove} from '../../src/operations/remove.js'
import {setup} from '../../src/operations/setup.js'
import {unpack} from '../../src/operations/unpack.js'
import {update} from '../../src/operations/update.js'
import type {CorpusImage} from '../fixtures/corpus/build.js'
import {corpus} from '../fixtures/corpus/corpus.js'
import {operationPorts} from '../support/operation-ports.js'
import {skopeoCopy} from '../support/busybox-image.js'
import {openRegistry} from '../support/open-registry.js'
import {serveRegistry} from '../support/served-registry.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'
import {injectionRequest, updateRequest} from '../support/update-options.js'

it('holds 60 images at least, each under a name of its own', () => {
  expect(new Set(corpus.map(({name}) => name)).size).toBe(corpus.length)
  expect(corpus.length).toBeGreaterThanOrEqual(60)
})

describeWith(['skopeo', 'umoci', 'zstd'], 'images as tools write them', () => {
  it.each(corpus)('$name', async (entry) => {
    const {isIndex = false, put} = entry
    const folder = await tempDir()
    const {address} = await serveRegistry()
    const {store} = openRegistry(address)
    const original = await put(store)
    const name = `${address}/team/app:v1`
    const reference = parseReference(name)
    const ports = operationPorts(store)
    const chosen = isIndex ? {platforms: 'all' as const} : {}

    const before = await inspect({reference}, ports)
    expect(renderInspect(before)).toContain(original.digest)
    await setup(injectionRequest({...chosen, reference}), ports)
    mkdirSync(join(folder, 'tree/cvmfs'), {recursive: true})
    writeFileSync(join(folder, 'tree/cvmfs/file'), 'injected')
    await update(updateRequest({...chosen, reference, directory: join(folder, 'tree')}), ports)

    const listed = await inspect({reference}, ports)
    expect(renderSlots(listed)).toContain('cvmfs  /')
    const out = join(folder, 'out')
    const images = 'images' in listed ? listed.images : [listed]
    const [first] = images
    await unpack(
      {
        ...{reference, directory: out, name: 'cvmfs', force: false, devices: false, strict: true},
        ...(isIndex && first && {platform: first.platform}),
      },
      ports,
    )
    expect(readFileSync(join(out, 'cvmfs/file'), 'utf8')).toBe('injected')

    await readByOthers(name, entry, folder)
    const removed = await remove(injectionRequest({...chosen, reference}), ports)
    expect(removed.digest).toBe(original.digest)
    expect(await store.statManifest('v1')).toBe(original.digest)
  })
})

/** Other programs read every injected image, with all of its layers. */
async function readByOthers(
  name: string,
  {unreadableBy = [], isIndex = false}: CorpusImage,
  folder: string,
): Promise<void> {
  if (unreadableBy.includes('skopeo')) return
  const options = isIndex ? ['--all'] : []
  await skopeoCopy(`docker://${name}`, `dir:${join(folder, 'copied')}`, ...options)
  if (isIndex || unreadableBy.includes('umoci')) return
  const layout = join(folder, 'layout')
  await skopeoCopy(`docker://${name}`, `oci:${layout}:v1`)
  const {stdout} = await execa('umoci', ['stat', '--json', '--image', `${layout}:v1`])
  expect(stdout).toContain('"history"')
}
