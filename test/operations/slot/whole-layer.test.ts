import {mkdirSync, truncateSync, utimesSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {parseReference} from '../../../src/oci/names/reference.js'
import {update} from '../../../src/operations/update.js'
import {createMemoryStore} from '../../../src/store/memory-store.js'
import {operationPorts} from '../../support/operation-ports.js'
import {putImage, smallLayer} from '../../support/put-image.js'
import {tempDir} from '../../support/temp-dir.js'
import {type UpdateOptions, updateRequest} from '../../support/update-options.js'

const MiB = 1024 * 1024
const reference = parseReference('registry.example/app:v1')
const old = new Date('2026-01-02T03:04:05Z')

/** So many files of 4 MiB without content, a year old. */
async function oldTree(files: number): Promise<string> {
  const tree = join(await tempDir(), 'tree')
  mkdirSync(tree)
  for (let number = 0; number < files; number++) {
    const path = join(tree, `file-${String(number).padStart(2, '0')}`)
    writeFileSync(path, '')
    truncateSync(path, 4 * MiB)
    utimesSync(path, old, old)
  }
  utimesSync(tree, old, old)
  return tree
}

/** Updates the slot with the tree, twice, and gives what the second time says and reads. */
async function updateTwice(tree: string, change: () => void, more: Partial<UpdateOptions> = {}) {
  const store = createMemoryStore('registry.example/app')
  await putImage(store, {layers: [smallLayer('base')]})
  const request = updateRequest({reference, directory: tree, ...more})
  await update(request, {...operationPorts(store), jobs: 1})
  change()
  const ports = operationPorts(store)
  await update(request, {...ports, jobs: 1})
  return ports
}

describe('a layer that is sent again as a whole', () => {
  it('is read once where a file in it is newer than the slot, and the user hears what --layers auto would send', async () => {
    const large = await oldTree(20)
    const {events, said} = await updateTwice(large, () => writeFileSync(join(large, 'last'), 'x'))
    const compared = events.findIndex(({kind}) => kind === 'step')
    const packed = events.findIndex(
      (event) => event.kind === 'step' && event.step === 'pack and push',
    )
    expect(events.slice(compared, packed).filter(({kind}) => kind === 'bytes')).toEqual([])
    expect(said).toEqual([
      expect.stringMatching(
        /^all 0\.[1-9] MB were sent for a small change: with --layers auto it would have been about 0\.\d MB$/,
      ),
    ])
  })

  it.each([
    ['a small tree', 2, {}],
    ['an explicit --layers', 20, {layers: 1 as const}],
  ])('says nothing for %s', async (_, files, more) => {
    const tree = await oldTree(files)
    const {said} = await updateTwice(tree, () => writeFileSync(join(tree, 'later'), 'y'), more)
    expect(said).toEqual([])
  })
})
