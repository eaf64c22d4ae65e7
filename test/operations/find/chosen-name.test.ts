import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {parseReference} from '../../../src/oci/names/reference.js'
import {inspect} from '../../../src/operations/inspect.js'
import {remove} from '../../../src/operations/remove.js'
import {unpack} from '../../../src/operations/unpack.js'
import {update} from '../../../src/operations/update.js'
import {createMemoryStore} from '../../../src/store/memory-store.js'
import {operationPorts} from '../../support/operation-ports.js'
import {putImage, smallLayer} from '../../support/put-image.js'
import {tempDir} from '../../support/temp-dir.js'
import {updateRequest} from '../../support/update-options.js'

const reference = parseReference('registry.example/app:v1')

/** An image with these slots, and what the commands do to it when no name is given. */
async function start(names: readonly string[]) {
  const store = createMemoryStore('registry.example/app')
  await putImage(store, {layers: [smallLayer('app')]})
  const ports = operationPorts(store)
  const folder = await tempDir()
  writeFileSync(join(folder, 'file'), 'x')
  const request = updateRequest({reference, directory: folder, path: '/opt'})
  for (const name of names) await update({...request, image: {reference, name}}, ports)
  ports.said.length = 0
  const image = {reference, name: undefined}
  return {
    said: ports.said,
    updated: () => update({...request, image, layer: {}}, ports),
    removed: () => remove({...request, image}, ports),
    unpacked: async () => {
      const directory = join(await tempDir(), 'out')
      return unpack({reference, directory, force: false, devices: false, strict: false}, ports)
    },
    slots: async () => {
      const found = await inspect({reference}, ports)
      return 'slots' in found ? found.slots.map(({name}) => name) : []
    },
  }
}

describe('without --name', () => {
  it('the only slot is meant, and the user is told', async () => {
    const {said, updated, unpacked, removed, slots} = await start(['models'])
    const notice = 'no --name given: using slot models, the only one there is'
    expect(await updated()).toMatchObject({slot: {name: 'models', action: 'unchanged'}})
    expect(await unpacked()).toMatchObject({name: 'models', entries: 2})
    expect(await removed()).toMatchObject({slot: 'models', original: true})
    expect(said).toEqual([notice, notice, notice])
    expect(await slots()).toEqual([])
  })

  it.each([[[]], [['cvmfs', 'models']]])('it is cvmfs in an image with slots %j', async (names) => {
    const {said, updated, unpacked, slots} = await start(names)
    expect(await updated()).toMatchObject({slot: {name: 'cvmfs'}})
    expect(await unpacked()).toMatchObject({name: 'cvmfs'})
    expect(said.join()).not.toContain('no --name given')
    expect(await slots()).toEqual(names.length === 0 ? ['cvmfs'] : names)
  })

  it('one of several others has to be named', async () => {
    const {updated, unpacked, removed, slots} = await start(['models', 'certs'])
    const refused = {
      code: 'ERR_INJECT_NAME_NEEDED',
      message: 'there are several slots: models, certs',
      hint: 'use --name models for one of them',
    }
    const hint = 'use --name models for one of them, or a new name for another slot'
    await expect(updated()).rejects.toMatchObject({...refused, hint})
    await expect(unpacked()).rejects.toMatchObject(refused)
    await expect(removed()).rejects.toMatchObject(refused)
    expect(await slots()).toEqual(['models', 'certs'])
  })
})
