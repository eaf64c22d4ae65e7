import {describe, expect, it} from 'vitest'
import type {InjectionResult} from '../../../src/operations/injection/describe-image.js'
import {update} from '../../../src/operations/update.js'
import {createMemoryStore} from '../../../src/store/memory-store.js'
import {operationPorts} from '../../support/operation-ports.js'
import {makeEntry, putImage} from '../../support/put-image.js'
import {oldTime, treeOfLargeFiles} from '../../support/large-files.js'
import {type UpdateOptions, updateRequest} from '../../support/update-options.js'

const MiB = 1024 * 1024
const size = 2 * MiB
const newer = new Date('2024-02-01T00:00:00Z')

/** Eight files of 2 MiB in a slot, and how much of them is hashed by an update that compares. */
async function start(first: Partial<UpdateOptions> = {}) {
  const store = createMemoryStore('repository')
  await putImage(store, {layers: [{entries: [makeEntry('etc/')]}]})
  const {tree, write} = await treeOfLargeFiles(8, size)
  const run = async (more: Partial<UpdateOptions> = {}) => {
    const ports = operationPorts(store)
    const result = await update(updateRequest({directory: tree, ...more}), ports)
    let step: string | undefined
    let hashed = 0
    for (const event of ports.events) {
      if (event.kind === 'step') step = event.step
      if (event.kind === 'bytes' && step === 'compare') hashed = event.done
    }
    return {...(result as InjectionResult), hashed}
  }
  await run(first)
  return {tree, write, run}
}

describe('an update compares before it packs', () => {
  it('to the end, when nothing is newer than the slot', async () => {
    const {run, write} = await start()
    expect(await run()).toMatchObject({changed: false})
    expect((await run()).hashed).toBeGreaterThan(8 * size)
    write('file0', 'other', oldTime)
    const {changed, hashed} = await run()
    expect(changed).toBe(true)
    expect(hashed).toBeGreaterThan(8 * size)
  })

  it.each(['file1', 'file7'])('not at all where %s is newer than all of the slot', async (name) => {
    const {run, write} = await start()
    write(name, 'other', newer)
    const {changed, hashed} = await run()
    expect(changed).toBe(true)
    expect(hashed).toBe(0)
    expect(await run()).toMatchObject({changed: false})
  })

  it('to the end in a dry run, which says what would be', async () => {
    const {run, write} = await start()
    write('file1', 'other', newer)
    const {hashed, changed} = await run({dryRun: true})
    expect(changed).toBe(true)
    expect(hashed).toBeGreaterThan(8 * size)
  })

  it('finds nothing changed where times are held to --created, before and now', async () => {
    const created = 1_690_000_000
    const {run, write} = await start({created})
    expect(await run({created})).toMatchObject({changed: false})
    expect((await run({created})).hashed).toBeGreaterThan(8 * size)
    write('file1', 'other', newer)
    expect(await run({created})).toMatchObject({changed: true})
    expect(await run({created})).toMatchObject({changed: false})
  })
})
