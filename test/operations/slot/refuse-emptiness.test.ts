import {rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {parseReference} from '../../../src/oci/names/reference.js'
import {update} from '../../../src/operations/update.js'
import {createMemoryStore} from '../../../src/store/memory-store.js'
import {operationPorts} from '../../support/operation-ports.js'
import {putImage, smallLayer} from '../../support/put-image.js'
import {tempDir} from '../../support/temp-dir.js'
import {type UpdateOptions, updateRequest} from '../../support/update-options.js'

const reference = parseReference('registry.example/app:v1')

async function start() {
  const store = createMemoryStore('registry.example/app')
  await putImage(store, {layers: [smallLayer('app')]})
  const ports = operationPorts(store)
  const directory = await tempDir()
  const run = (more: Partial<UpdateOptions> = {}) =>
    update(updateRequest({reference, directory, ...more}), ports)
  return {store, directory, run, said: ports.said}
}

describe('an empty directory', () => {
  it.each([{}, {dryRun: true}, {layers: 2}, {path: '/'}])(
    'does not replace what is in a slot, with %j',
    async (more) => {
      const {store, directory, run, said} = await start()
      writeFileSync(join(directory, 'file'), 'x')
      await run()
      const before = await store.statManifest('v1')
      rmSync(join(directory, 'file'))
      await expect(run(more)).rejects.toMatchObject({
        code: 'ERR_INJECT_EMPTY',
        message: `there is nothing in ${directory}, and the slot has something in it`,
        hint: 'use --allow-empty to make the slot empty',
      })
      expect(await store.statManifest('v1')).toEqual(before)
      expect(said).toEqual([])
    },
  )

  it('does not either in a slot with a place of its own, of which DIR itself is an entry', async () => {
    const {directory, run} = await start()
    writeFileSync(join(directory, 'file'), 'x')
    const own = {path: '/opt/models', name: 'models'}
    await run(own)
    rmSync(join(directory, 'file'))
    for (const more of [{}, {parents: 'base' as const}, {exclude: ['*']}])
      await expect(run({...own, ...more})).rejects.toMatchObject({code: 'ERR_INJECT_EMPTY'})
    writeFileSync(join(directory, 'file'), 'x')
    await expect(run({...own, exclude: ['file']})).rejects.toMatchObject({code: 'ERR_INJECT_EMPTY'})
    expect(await run({...own, exclude: ['file'], allowEmpty: true})).toMatchObject({changed: true})
    expect(await run({...own, exclude: ['file']})).toMatchObject({changed: false})
  })

  it('does so where that is allowed, and again changes nothing', async () => {
    const {directory, run, said} = await start()
    writeFileSync(join(directory, 'file'), 'x')
    await run()
    rmSync(join(directory, 'file'))
    const emptied = await run({allowEmpty: true})
    expect(emptied).toMatchObject({slot: {action: 'replaced'}, layer: {entries: 0}})
    expect(said.join()).toContain('the slot is empty now')
    expect(await run()).toMatchObject({changed: false})
  })

  it('becomes a new slot, with a warning', async () => {
    const {run, said} = await start()
    expect(await run()).toMatchObject({slot: {action: 'added'}})
    expect(said.join()).toContain('the slot is empty now')
  })
})
