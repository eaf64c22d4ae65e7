import {randomBytes} from 'node:crypto'
import type {IncomingHttpHeaders} from 'node:http'
import {mkdirSync, writeFileSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {createLayerIndexes} from '../../../src/layer/contents/layer-index-file.js'
import type {LayerIndexes} from '../../../src/layer/contents/layer-index.js'
import {parseReference} from '../../../src/oci/names/reference.js'
import {update} from '../../../src/operations/update.js'
import {openRegistry} from '../../support/open-registry.js'
import {operationPorts} from '../../support/operation-ports.js'
import {putImage} from '../../support/put-image.js'
import {type Quirk, serveQuirks} from '../../support/quirk-registry.js'
import {directory, file, member} from '../../support/tar-fixtures.js'
import {estargz, tableOf, type TocLayer} from '../../support/toc-layers.js'
import {tempDir} from '../../support/temp-dir.js'
import {type UpdateOptions, updateRequest} from '../../support/update-options.js'

const noise = randomBytes(600_000).toString('latin1')
const members = [
  directory('usr/', {mode: 0o755}),
  directory('usr/lib/', {mode: 0o751}),
  member({name: 'lib', type: '2', link: 'usr/lib'}),
  file('usr/lib/noise', noise),
]
const table = tableOf([
  {name: 'usr/', type: 'dir', mode: 0o755},
  {name: 'usr/lib/', type: 'dir', mode: 0o751},
  {name: 'lib', type: 'symlink', linkName: 'usr/lib'},
  {name: 'usr/lib/noise', type: 'reg'},
])
const lying = tableOf([{name: 'usr/', type: 'dir', mode: 0o755}])

const noRanges: Quirk = (request, forward) =>
  request.method === 'GET' && request.headers['range'] !== undefined
    ? forward({headers: withoutRange(request.headers)})
    : forward()

// eslint-disable-next-line @typescript-eslint/no-unused-vars -- the rest is what is wanted
function withoutRange({range: _, ...headers}: IncomingHttpHeaders): IncomingHttpHeaders {
  return headers
}

async function start(layer: TocLayer, quirks: readonly Quirk[] = []) {
  const registry = await serveQuirks(quirks)
  const {store} = openRegistry(registry.address)
  await putImage(store, {layers: [layer]})
  const tree = await tempDir()
  mkdirSync(dirname(join(tree, 'lib/x.so')), {recursive: true})
  writeFileSync(join(tree, 'lib/x.so'), '')
  registry.requests.length = 0
  const reference = parseReference(`${registry.address}/team/app:v1`)
  const reads = () =>
    registry.requests
      .filter(({method, path}) => method === 'GET' && path.includes('/blobs/'))
      .map(({headers}) => headers['range'])
  return {
    reads,
    run: (more: Partial<UpdateOptions> = {}, indexes?: LayerIndexes) =>
      update(updateRequest({reference, directory: tree, ...more}), {
        ...operationPorts(store),
        ...(indexes && {layerIndexes: indexes}),
      }),
  }
}

const inTheWay = {code: 'ERR_INJECT_LINK_IN_THE_WAY'}

describe('W7 layers with a table of contents, in a registry', () => {
  it('are looked into by the table alone, and it is remembered', async () => {
    const indexes = createLayerIndexes(join(await tempDir(), 'layers'))
    const {run, reads} = await start(estargz(members, table))
    await expect(run({}, indexes)).rejects.toMatchObject(inTheWay)
    // the config, and a part of the layer
    expect(reads()).toEqual([undefined, expect.stringMatching(/^bytes=\d+-\d+$/)])
    await expect(run({}, indexes)).rejects.toMatchObject(inTheWay)
    expect(reads()).toHaveLength(3)
  })

  it('are followed by --parents base', async () => {
    const {run, reads} = await start(estargz(members, table))
    await run({parents: 'base'})
    expect(reads().filter(Boolean)).toHaveLength(1)
    expect(reads().filter((range) => range === undefined)).toHaveLength(1)
  })

  it.each<[string, TocLayer, readonly Quirk[]]>([
    ['the registry gives no parts', estargz(members, table), [noRanges]],
    [
      'the table is not the one that the manifest names',
      {...estargz(members, lying), annotations: estargz(members, table).annotations},
      [],
    ],
  ])('are read whole where %s', async (_, layer, quirks) => {
    const {run, reads} = await start(layer, quirks)
    await expect(run()).rejects.toMatchObject(inTheWay)
    expect(reads().filter((range) => range === undefined).length).toBeGreaterThanOrEqual(2)
  })

  it('a table that lies is not remembered for an image that has none', async () => {
    const indexes = createLayerIndexes(join(await tempDir(), 'layers'))
    const liar = estargz(members, lying)
    const first = await start(liar)
    // the image is the one that says so
    await first.run({}, indexes)
    const honest = await start({...liar, annotations: {}})
    await expect(honest.run({}, indexes)).rejects.toMatchObject(inTheWay)
  })
})
