import {existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {parseReference} from '../../../src/oci/names/reference.js'
import {update} from '../../../src/operations/update.js'
import {createMemoryStore} from '../../../src/store/memory-store.js'
import {openLayoutStore} from '../../../src/store/layout/layout-store.js'
import {operationPorts} from '../../support/operation-ports.js'
import {putImage, smallLayer} from '../../support/put-image.js'
import {tempDir} from '../../support/temp-dir.js'
import {updateRequest} from '../../support/update-options.js'

/** An image, and a directory `amd64` below a folder, with links to it from outside. */
async function start() {
  const store = createMemoryStore('registry.example/app')
  await putImage(store, {layers: [smallLayer('base')]})
  const folder = await tempDir()
  const directory = join(folder, 'amd64')
  mkdirSync(join(directory, 'sub'), {recursive: true})
  writeFileSync(join(directory, 'file'), 'content')
  symlinkSync(directory, join(folder, 'link'))
  symlinkSync(join(directory, 'later'), join(folder, 'dangling'))
  const run = (
    from: string,
    more: {to?: string; outputs?: readonly {what: string; path: string}[]},
  ) => {
    const ports = operationPorts(store)
    return update(
      updateRequest({
        reference: parseReference('registry.example/app:v1'),
        directory: from,
        ...(more.to !== undefined && {to: parseReference(more.to)}),
        ...(more.outputs && {outputs: more.outputs}),
      }),
      {
        ...ports,
        openStore: (reference, {create = false}) =>
          reference.kind === 'layout'
            ? openLayoutStore(reference.directory, {create})
            : ports.openStore(reference, {writes: true}),
      },
    )
  }
  return {folder, directory, run}
}

const targets = [
  ['a layout that is not there yet', 'oci:', 'amd64/new:v1'],
  ['a layout deep below, none of it there', 'oci:', 'amd64/a/b/c:v1'],
  ['an archive of a layout', 'oci-archive:', 'amd64/x.tar:v1'],
  ['an archive as docker saves it', 'docker-archive:', 'amd64/sub/x.tar:app:v1'],
  ['a layout by way of a link', 'oci:', 'link/new:v1'],
  ['a layout by way of a link that leads to nothing yet', 'oci:', 'dangling:v1'],
  ['a layout by way of ..', 'oci:', 'amd64/sub/../../amd64/new:v1'],
  ['the directory itself', 'oci:', 'amd64:v1'],
] as const

it.each(targets)('B8 refuses %s inside the directory, before anything is made', async (...row) => {
  const [, kind, path] = row
  const {folder, directory, run} = await start()
  await expect(run(directory, {to: `${kind}${folder}/${path}`})).rejects.toMatchObject({
    name: 'UsageError',
    code: expect.stringMatching(/^ERR_INJECT_(LAYOUT|OUTPUT)_IN_DIRECTORY$/) as string,
  })
  expect(readdirSync(directory).sort()).toEqual(['file', 'sub'])
})

it.each([...targets.slice(0, 1), ...targets.slice(4, 5)])(
  'B8 refuses %s where the directory has a placeholder',
  async (_, kind, path) => {
    const {folder, run} = await start()
    await expect(
      run(join(folder, '{arch}'), {to: `${kind}${folder}/${path}`}),
    ).rejects.toMatchObject({code: 'ERR_INJECT_LAYOUT_IN_DIRECTORY'})
  },
)

it.each(['amd64', '{arch}', 'link'])(
  'B8 refuses a file beside the image inside %s',
  async (name) => {
    const {folder, directory, run} = await start()
    const outputs = [{what: 'the file of --digestfile', path: join(directory, 'sub/digest')}]
    await expect(run(join(folder, name), {outputs})).rejects.toMatchObject({
      code: 'ERR_INJECT_OUTPUT_IN_DIRECTORY',
      message: expect.stringMatching(/^the file of --digestfile ".*" lies inside/) as string,
    })
  },
)

it('leaves alone what lies beside the directory, also with a name that begins like it', async () => {
  const {folder, directory, run} = await start()
  const outputs = [{what: 'the file of --digestfile', path: `${directory}-digest`}]
  await run(directory, {to: `oci:${folder}/amd64-layout:v1`, outputs})
  expect(existsSync(join(folder, 'amd64-layout/index.json'))).toBe(true)
})
