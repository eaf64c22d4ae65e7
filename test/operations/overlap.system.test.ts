import {mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {describe, expect, it} from 'vitest'
import {parseReference} from '../../src/oci/names/reference.js'
import {update} from '../../src/operations/update.js'
import {openRegistryStore} from '../../src/registry/registry-store.js'
import {createFakeRegistry} from '../support/fake-registry.js'
import {startFakeServer} from '../support/fake-server.js'
import {operationPorts} from '../support/operation-ports.js'
import {makeEntry, putImage} from '../support/put-image.js'
import {tempDir} from '../support/temp-dir.js'
import {updateRequest} from '../support/update-options.js'

/** Each answer takes its time: anyone who does not wait for the one before is seen. */
const answerMs = 150

async function run(
  more: {readonly jobs?: number; readonly noClobber?: boolean; readonly refused?: RegExp} = {},
) {
  const {jobs = 2, noClobber = false, refused} = more
  const open = new Map<string, number>()
  const most = {manifests: 0, uploads: 0}
  let isReady = false
  const registry = createFakeRegistry({
    async fault({method, path}) {
      if (!isReady) return undefined
      const kind = path.includes('/uploads') ? 'uploads' : 'manifests'
      const now = (open.get(kind) ?? 0) + 1
      open.set(kind, now)
      most[kind] = Math.max(most[kind], now)
      await sleep(answerMs)
      open.set(kind, (open.get(kind) ?? 0) - 1)
      return refused?.test(`${method} ${path}`) ? {status: 403} : undefined
    },
  })
  const server = await startFakeServer(registry.handler)
  const {host} = server.url
  const store = openRegistryStore(
    {registry: host, repository: 'team/app'},
    {env: {}, home: '/nonexistent', writes: true},
  )
  await putImage(store, {layers: [{entries: [makeEntry('etc/')]}], tag: 'base'})
  const tree = join(await tempDir(), 'tree')
  mkdirSync(tree)
  writeFileSync(join(tree, 'file'), 'content')
  isReady = true
  const outcome = await update(
    updateRequest({
      reference: parseReference(`${host}/team/app:base`),
      directory: tree,
      tags: ['new'],
      noClobber,
    }),
    {...operationPorts(store), jobs},
  ).then(
    () => 'done',
    (error: unknown) => (error as {code?: string}).code,
  )
  await store.close()
  return {outcome, most, tags: [...registry.tags.keys()], left: registry.uploads.size}
}

describe('an update does not wait for one thing after the other', () => {
  it('reads the image while it looks where the tag stands, and sends the config beside the layer', async () => {
    expect(await run()).toEqual({
      outcome: 'done',
      most: {manifests: 2, uploads: 2},
      tags: ['base', 'new'],
      left: 0,
    })
  })

  it.each([{jobs: 1}, {noClobber: true}])('but sends it afterwards with %o', async (more) => {
    const {outcome, most, tags} = await run(more)
    expect({outcome, uploads: most.uploads, tags}).toEqual({
      outcome: 'done',
      uploads: 1,
      tags: ['base', 'new'],
    })
  })

  it.each([/POST .*uploads/, /PUT .*uploads/, /HEAD .*new/, /GET .*base/])(
    'fails, leaves nothing and moves nothing when one of them is refused: %s',
    async (refused) => {
      const {outcome, tags, left} = await run({refused})
      // where a tag stands that may not be looked at is not known, and that is not a failure
      if (refused.source.startsWith('HEAD')) expect(outcome).toBe('done')
      else
        expect({outcome, tags, left}).toEqual({
          outcome: 'ERR_INJECT_DENIED',
          tags: ['base'],
          left: 0,
        })
    },
  )
})
