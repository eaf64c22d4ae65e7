import {execa} from 'execa'
import fc from 'fast-check'
import {mkdirSync} from 'node:fs'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {readLimits} from '../../../src/layer/records/read-layer.js'
import {listFiles} from '../../../src/operations/browse/list-files.js'
import {readFile} from '../../../src/operations/browse/read-file.js'
import {parseReference} from '../../../src/oci/names/reference.js'
import {openLayoutStore} from '../../../src/store/layout/layout-store.js'
import type {ContentStore} from '../../../src/store/content-store.js'
import {compare, told} from '../../support/compare-images.js'
import {
  differencesOf,
  inTreeOrder,
  layersOf,
  layerSteps,
  type ModelTree,
  putGzipLayerOf,
  putLayerOf,
  readTree,
} from '../../support/layer-model.js'
import {operationPorts} from '../../support/operation-ports.js'
import {recordRequests} from '../../support/recording-proxy.js'
import {serveRegistry} from '../../support/served-registry.js'
import {runs} from '../../support/property-runs.js'
import {putImage} from '../../support/put-image.js'
import {describeWith} from '../../support/tools.js'

/** Without root, umoci gives everything to the user. */
const isRoot = process.getuid?.() === 0
const ignored = isRoot ? [] : (['owner'] as const)

/** Two images over one base, in a layout, and the trees that umoci makes of them. */
async function twoImages(
  folder: string,
  [base, first, second]: readonly Parameters<typeof layersOf>[0][],
): Promise<{store: ContentStore; one: ModelTree; other: ModelTree}> {
  const layout = join(folder, 'layout')
  const store = await openLayoutStore(layout, {create: true})
  const shared = layersOf(base ?? [])
  const trees: ModelTree[] = []
  for (const [tag, steps] of Object.entries({one: first, other: second})) {
    const {layers} = layersOf(steps ?? [], shared.tree, shared.layers.length)
    await putImage(store, {layers: [...shared.layers, ...layers].map(putLayerOf), tag})
    const bundle = join(folder, tag)
    const flags = isRoot ? [] : ['--rootless']
    await execa('umoci', ['unpack', ...flags, '--image', `${layout}:${tag}`, bundle])
    trees.push(readTree(join(bundle, 'rootfs')))
  }
  const [one, other] = trees
  if (!one || !other) throw new Error('two trees')
  return {store, one, other}
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'inject-test-'))
  try {
    await work(folder)
  } finally {
    await rm(folder, {recursive: true, force: true})
  }
}

describeWith(['umoci'], 'trees that umoci unpacks', () => {
  it('differ in what diff says, path by path', async () => {
    await fc.assert(
      fc.asyncProperty(layerSteps, layerSteps, layerSteps, (...steps) =>
        inFolder(async (folder) => {
          const {store, one, other} = await twoImages(folder, steps)
          const options = {exact: true, ignored: new Set(ignored)}
          const found = await compare(store, ['one', 'other'], options)
          expect(told(found)).toEqual(differencesOf(one, other, ignored))
          await store.close()
        }),
      ),
      {numRuns: runs(0.5)},
    )
  })

  it('hold what ls and cat say', async () => {
    await fc.assert(
      fc.asyncProperty(layerSteps, layerSteps, (base, steps) =>
        inFolder(async (folder) => {
          const {store, one} = await twoImages(folder, [base, steps, []])
          const request = {
            reference: parseReference('store.example/app:one'),
            part: {kind: 'all'} as const,
            ...{limits: readLimits, temporary: tmpdir()},
          }
          const ports = operationPorts(store)
          const {files} = await listFiles({...request, path: '/', recursive: true}, ports)
          expect(files.map(({path}) => path)).toEqual(inTreeOrder(one.keys()))
          for (const {path, type, mode, mtime, size} of files) {
            const node = one.get(path)
            expect({path, type, mtime}).toEqual({path, type: node?.kind, mtime: node?.mtime})
            if (type !== 'symlink') expect(mode.toString(8)).toBe(node?.mode.toString(8))
            if (type !== 'file') continue
            const parts: Buffer[] = []
            const write = (bytes: Uint8Array): void => void parts.push(Buffer.from(bytes))
            await readFile({...request, path, write}, ports)
            expect(Buffer.concat(parts).toString('latin1')).toBe(node?.content)
            expect(size).toBe(node?.content.length)
          }
          await store.close()
        }),
      ),
      {numRuns: runs(0.3)},
    )
  })
})

describeWith(['skopeo'], 'what a pull costs', () => {
  it('is what skopeo fetches into a layout that has the first image', async () => {
    await fc.assert(
      fc.asyncProperty(layerSteps, layerSteps, layerSteps, (base, first, second) =>
        inFolder(async (folder) => {
          const registry = await serveRegistry()
          const {address, root} = registry
          const {address: proxy, requests} = await recordRequests(address)
          const store = await root.createRepository('app')
          const shared = layersOf(base)
          for (const [tag, steps] of Object.entries({one: first, other: second})) {
            const {layers} = layersOf(steps, shared.tree, shared.layers.length)
            // skopeo compresses what is not, and then cannot know it again
            const put = [...shared.layers, ...layers].map(putGzipLayerOf)
            await putImage(store, {layers: put, tag, config: {tag}})
          }
          const layout = `oci:${join(folder, 'layout')}`
          const env = {HOME: folder, XDG_RUNTIME_DIR: folder}
          const copy = (tag: string) =>
            execa(
              'skopeo',
              [
                'copy',
                '-q',
                '--src-tls-verify=false',
                `docker://${proxy}/app:${tag}`,
                `${layout}:${tag}`,
              ],
              {env},
            )
          mkdirSync(join(folder, '.local'))
          await copy('one')
          requests.length = 0
          await copy('other')
          const blobs = requests.filter(
            ({method, path}) => method === 'GET' && path.includes('/blobs/'),
          )
          // a layer that an image has twice is fetched twice if skopeo asks for both at once
          const sizes = new Map(blobs.map(({path, answered}) => [path, answered]))
          const fetched = [...sizes.values()].reduce((sum, answered) => sum + answered, 0)
          const {images} = await compare(store, ['one', 'other'])
          expect(images[0]?.pull?.bytes).toBe(fetched)
          await registry.close(0)
        }),
      ),
      {numRuns: runs(0.2)},
    )
  })
})
