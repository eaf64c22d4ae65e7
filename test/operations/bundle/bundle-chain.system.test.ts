import fc from 'fast-check'
import {existsSync, readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {parseReference} from '../../../src/oci/names/reference.js'
import {copy} from '../../../src/operations/copy/copy.js'
import {checkRoot} from '../../../src/operations/maintain/check-store.js'
import {openRepositoryRoot} from '../../../src/store/served/open-root.js'
import type {Ports} from '../../../src/ports.js'
import {bundlePorts, haveOf, loadInto, putLayers, saveTo} from '../../support/bundles.js'
import {openRegistry} from '../../support/open-registry.js'
import {runs} from '../../support/property-runs.js'
import {serveRegistry} from '../../support/served-registry.js'
import {tempDir} from '../../support/temp-dir.js'

const repositories = ['team/app', 'team/tool'] as const
const image = fc.record({
  repository: fc.constantFrom(...repositories),
  tag: fc.constantFrom('v1', 'v2'),
  layers: fc.array(fc.constantFrom('a:10', 'b:20', 'c:30', 'd:40'), {minLength: 1, maxLength: 3}),
})
/** Images that are pushed, and how the bundle after it learns what the other side has. */
const night = fc.record({
  images: fc.array(image, {minLength: 1, maxLength: 3}),
  by: fc.constantFrom('since', 'have', 'both'),
})

/** Every blob, by repository, and where every tag is. */
async function contentOf(directory: string): Promise<object> {
  const root = await openRepositoryRoot(directory, {shared: true})
  const content: Record<string, unknown> = {}
  for await (const name of root.listRepositories()) {
    const blobs = join(directory, name, 'blobs', 'sha256')
    const store = await root.openRepository(name)
    const tags: Record<string, unknown> = {}
    for await (const tag of store!.listTags()) tags[tag] = await store!.statManifest(tag)
    content[name] = {
      tags,
      files: readdirSync(blobs)
        .sort()
        .map((file) => [file, readFileSync(join(blobs, file)).toString('hex')]),
    }
  }
  await root.close()
  return content
}

/** Ports that copy into repositories of a root. */
async function rootPorts(directory: string): Promise<Ports & {close(): Promise<void>}> {
  const root = await openRepositoryRoot(directory, {create: true, shared: true})
  return {
    ...bundlePorts,
    openStore: (reference, options) =>
      reference.kind === 'registry' && reference.registry === 'root.example'
        ? root.createRepository(reference.repository)
        : bundlePorts.openStore(reference, options),
    close: () => root.close(),
  }
}

it('brings by any chain of bundles what full copies bring, byte for byte', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(night, {minLength: 1, maxLength: 4}), async (nights) => {
      const served = await serveRegistry()
      const {address} = served
      const folder = await tempDir()
      const loaded = join(folder, 'loaded')
      const copied = join(folder, 'copied')
      const ports = await rootPorts(copied)
      let since: string | undefined
      for (const [at, {images, by}] of nights.entries()) {
        const names = new Set<string>()
        for (const {repository, tag, layers} of images) {
          await putLayers(openRegistry(address, {repository}).store, layers, tag)
          names.add(`${address}/${repository}:${tag}`)
        }
        const have = by !== 'since' && existsSync(loaded) ? await haveOf(loaded, folder) : undefined
        const file = join(folder, `${at}.tar`)
        // only what is loaded without a gap can be built upon
        const known = {since: by === 'have' ? undefined : since, have}
        await saveTo(file, [...names], known)
        await loadInto(loaded, file)
        since = file
        for (const name of names) {
          const source = parseReference(name)
          if (source.kind !== 'registry') throw new Error(name)
          const target = {...source, registry: 'root.example'}
          const how = {tags: [], allTags: false, referrers: false, noClobber: false, dryRun: false}
          await copy({source, target, ...how}, ports)
        }
      }
      expect(await contentOf(loaded)).toEqual(await contentOf(copied))
      expect((await checkRoot({root: loaded}, bundlePorts)).sound).toBe(true)
      await ports.close()
      await served.close(0)
    }),
    {numRuns: runs(0.3)},
  )
})
