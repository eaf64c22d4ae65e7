import {mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {isDigest} from '../../src/oci/digest.js'
import {inject} from '../support/cli.js'
import {makeDocuments} from '../support/images.js'
import {openRegistry, sourceOf} from '../support/open-registry.js'
import {type Quirk, serveQuirks} from '../support/quirk-registry.js'
import {serveRegistry} from '../support/served-registry.js'
import {tempDir} from '../support/temp-dir.js'

/**
 * A registry that collects garbage at the worst moment: what was pushed is gone when the manifest
 * comes, so many times.
 */
async function start(times: number, isLost: (mediaType: string) => boolean) {
  const behind = await serveRegistry()
  let left = times
  const lose: Quirk = async (request, forward) => {
    const isTag = request.method === 'PUT' && request.path.endsWith('/manifests/v2')
    if (!isTag || left-- <= 0) return forward()
    const repository = await behind.root.openRepository('team/app')
    for (const {path, query} of registry.requests) {
      const digest = path.includes('/uploads/') ? query.get('digest') : undefined
      const blob = isDigest(digest) ? await repository?.statBlob(digest) : undefined
      if (blob && isLost(blob.size === layerSize ? 'layer' : 'config'))
        await repository?.deleteBlob(blob.digest)
    }
    return forward()
  }
  const registry = await serveQuirks([lose], {behind})
  const {manifest, configBytes} = makeDocuments({layers: 0})
  const {store} = openRegistry(behind.address)
  await store.putBlob(sourceOf(configBytes))
  await store.putManifest(manifest.bytes, manifest.descriptor.mediaType, {
    tags: [{tag: 'v1', from: undefined}],
  })
  const folder = await tempDir()
  const tree = join(folder, 'tree')
  mkdirSync(tree)
  writeFileSync(join(tree, 'file'), 'content')
  const update = () =>
    inject([
      'update',
      `${registry.address}/team/app:v1`,
      tree,
      '--tag',
      'v2',
      '--created',
      '2026-01-02T03:04:05Z',
    ])
  return {registry, behind, update}
}

/** Of the tree above, anyone who packs it where. */
let layerSize = 0

describe('F22 MANIFEST_BLOB_UNKNOWN at the end of an update', () => {
  it.each([
    ['layer', ['layer']],
    ['config', ['config']],
    ['layer and config', ['layer', 'config']],
  ])('pushes again what is lost: %s', async (_, lost) => {
    const usual = await start(0, () => false)
    expect((await usual.update()).exitCode).toBe(0)
    const repository = await usual.behind.root.openRepository('team/app')
    const stored = await repository?.getManifest('v2')
    const {layers} = JSON.parse(String(Buffer.from(stored?.bytes ?? []))) as {
      layers: {size: number}[]
    }
    layerSize = layers[0]?.size ?? 0

    const {registry, behind, update} = await start(1, (kind) => lost.includes(kind))
    const result = await update()
    expect([result.exitCode, result.stderr]).toEqual([0, expect.any(String)])
    const puts = registry.requests.filter(({method}) => method === 'PUT')
    expect(
      puts.filter(({path}) => path.includes('/manifests/')).map(({answered}) => answered),
    ).toEqual([400, 201])
    expect(puts).toHaveLength(4 + lost.length)
    const {store} = openRegistry(behind.address)
    expect(await store.statManifest('v2')).toBe(result.stdout.trim().split('@')[1])
  })

  it('gives up when it is lost again', async () => {
    const {registry, update} = await start(Infinity, () => true)
    const {exitCode, stderr} = await update()
    expect(exitCode).toBe(4)
    expect(stderr).toMatch(/MANIFEST_BLOB_UNKNOWN/)
    const manifests = registry.requests.filter(
      ({method, path}) => method === 'PUT' && path.includes('/manifests/'),
    )
    expect(manifests).toHaveLength(2)
  })
})
