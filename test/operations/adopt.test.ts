import {mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {findSlot} from '../../src/image/slot.js'
import {parseReference} from '../../src/oci/names/reference.js'
import {fetchImage} from '../../src/operations/find/fetch-image.js'
import {remove} from '../../src/operations/remove.js'
import {update} from '../../src/operations/update.js'
import {createMemoryStore} from '../../src/store/memory-store.js'
import {operationPorts} from '../support/operation-ports.js'
import {makeEntry, putImage, smallLayer} from '../support/put-image.js'
import {tempDir} from '../support/temp-dir.js'
import {injectionRequest, type UpdateOptions, updateRequest} from '../support/update-options.js'

const reference = parseReference('registry.example/app:v1')

/** An image as `regctl image mod --time` leaves it: labels and history of before, other layers. */
async function start() {
  const store = createMemoryStore('registry.example/app')
  const ports = operationPorts(store)
  const tree = await tempDir()
  mkdirSync(join(tree, 'cvmfs'))
  writeFileSync(join(tree, 'cvmfs', 'file'), 'content')
  await putImage(store, {layers: [smallLayer('base')]})
  const run = (more: Partial<UpdateOptions> = {}) =>
    update(updateRequest({reference, directory: tree, ...more}), ports)
  await run()
  const injected = (await fetchImage(store, 'v1', ports.signal))!
  const {history, config} = injected.config.value
  await putImage(store, {
    layers: [
      smallLayer('base'),
      {entries: [makeEntry('cvmfs/', {mtime: 0}), makeEntry('cvmfs/x')]},
    ],
    config: {history, config},
  })
  const image = async () => (await fetchImage(store, 'v1', ports.signal))!
  return {run, image, ports}
}

describe('W36 update with --adopt', () => {
  it('goes on where without it the slot is lost', async () => {
    const {run, image} = await start()
    await expect(run()).rejects.toMatchObject({
      code: 'ERR_INJECT_SLOT_LOST',
      hint: expect.stringContaining('--adopt 2') as string,
    })
    expect(await run({adopt: '2'})).toMatchObject({changed: true, slot: {action: 'replaced'}})
    expect((await image()).manifest.value.layers).toHaveLength(2)
    expect(findSlot(await image(), 'cvmfs')?.layer).toBe(1)
    // the flag may stay in a job
    expect(await run({adopt: '2'})).toMatchObject({changed: false})
    expect(await run()).toMatchObject({changed: false})
  })

  it('a dry run changes nothing', async () => {
    const {run, image} = await start()
    const before = (await image()).manifest.descriptor.digest
    expect(await run({adopt: '2', dryRun: true})).toMatchObject({changed: true})
    expect((await image()).manifest.descriptor.digest).toBe(before)
  })

  it('what was adopted can be removed', async () => {
    const {run, image, ports} = await start()
    await run({adopt: '2'})
    await remove(injectionRequest({reference}), ports)
    expect((await image()).manifest.value.layers).toHaveLength(1)
  })

  it('a layer that is not there changes nothing', async () => {
    const {run} = await start()
    await expect(run({adopt: '7'})).rejects.toMatchObject({code: 'ERR_INJECT_NOT_ADOPTED'})
  })
})
