import {readdirSync, statSync} from 'node:fs'
import {readFile, rm, utimes, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {execa} from 'execa'
import {describe, expect, it} from 'vitest'
import {digestOf} from '../../src/oci/digest.js'
import {layoutPaths} from '../../src/store/layout/paths.js'
import {makeFolder} from '../../src/store/layout/create.js'
import {openLayoutStore} from '../../src/store/layout/layout-store.js'
import {openRepositoryRoot} from '../../src/store/served/open-root.js'
import {streamOf} from '../../src/stream/bytes.js'
import {
  bytesOf,
  openRootAt,
  openTestRoot,
  pushBlob,
  pushImage,
  rejectionOf,
  textIn,
} from '../support/root-fixtures.js'
import {tempDir} from '../support/temp-dir.js'

describe('a folder that is opened as a root', () => {
  it('is not a layout, in whichever way it is opened, and none is made of one', async () => {
    const directory = await tempDir()
    await openLayoutStore(directory, {create: true})
    const names = readdirSync(directory)
    for (const options of [{create: true}, {shared: true}, {shared: true, served: true}]) {
      const error = await rejectionOf(openRepositoryRoot(directory, options))
      expect(error).toMatchObject({code: 'ERR_INJECT_NOT_A_ROOT', name: 'UsageError'})
      expect(error.message).toContain('is one OCI image layout')
    }
    expect(readdirSync(directory)).toEqual(names)
  })

  it('is what was served, where only that will do; a folder in one is told which it is in', async () => {
    const directory = await tempDir()
    const open = (at: string) => openRepositoryRoot(at, {shared: true, served: true})
    const plain = await rejectionOf(open(directory))
    expect(plain.code).toBe('ERR_INJECT_NOT_A_ROOT')
    expect(plain.message).not.toContain('which it is in')
    const root = await openRootAt(directory)
    await root.createRepository('team/a')
    await (await open(directory)).close()
    for (const part of ['team', 'team/a']) {
      const inner = await rejectionOf(open(join(directory, part)))
      expect(inner.code).toBe('ERR_INJECT_NOT_A_ROOT')
      expect(inner).toMatchObject({hint: `use ${JSON.stringify(directory)}`})
    }
  })

  it('that cannot be made where there are no folders fails', async () => {
    for (const path of ['/proc/nope', '/proc/nope/inner'])
      await expect(makeFolder(path)).rejects.toMatchObject({name: 'LocalIoError'})
    const directory = await tempDir()
    await writeFile(join(directory, 'file'), '')
    for (const path of ['file', 'file/inner'])
      await expect(makeFolder(join(directory, path))).rejects.toMatchObject({name: 'LocalIoError'})
    await makeFolder(join(directory, 'a/b/c'))
    await makeFolder(join(directory, 'a/b/c'))
    expect(statSync(join(directory, 'a/b/c')).isDirectory()).toBe(true)
  })
})

it('a root that is read only is read and not written to: no lease, no quarantine, no lock, no session removed', async () => {
  const root = await openTestRoot()
  const a = await root.createRepository('a')
  const image = await pushImage(a, 'v1', {layers: ['layer']})
  const [fine, bad] = [digestOf(bytesOf('layer')), await pushBlob(a, 'bad')]
  const session = await a.startUpload()
  await session.append(streamOf(bytesOf('begun')))
  const directory = join(root.directory, 'a')
  const pathOf = (digest: typeof fine): string => layoutPaths.blob(directory, digest)
  await writeFile(pathOf(bad), 'BAD')
  await root.close()
  await rm(join(root.directory, '.inject-root'), {recursive: true})
  const upload = join(directory, '.inject-uploads', session.id)
  for (const path of [pathOf(image), pathOf(fine), pathOf(bad), upload]) await utimes(path, 1, 1)
  const stateOf = async (): Promise<string> => {
    const {stdout} = await execa('find', [root.directory, '-printf', '%P %i %s %C@ %T@\n'])
    return stdout
  }
  const before = await stateOf()
  const reader = await openRootAt(root.directory, {shared: true, readOnly: true})
  const its = await reader.openRepository('a')
  if (its === undefined) throw new Error('a is missing')
  expect((await its.getManifest('v1'))?.descriptor.digest).toBe(image)
  expect(await its.statBlob(fine)).toEqual({digest: fine, size: 5})
  const read = async (): Promise<string> => textIn(await its.openBlob({digest: bad, size: 3}))
  expect((await rejectionOf(read())).code).toBe('ERR_INJECT_DIGEST_MISMATCH')
  expect(await its.resumeUpload(session.id)).toBeUndefined()
  expect(await stateOf()).toBe(before)
})

it('X13 FIFOs in place of what an upload keeps are not waited for', async () => {
  const root = await openTestRoot()
  const a = await root.createRepository('a')
  const session = await a.startUpload()
  await session.append(streamOf(bytesOf('known ')), {at: 0})
  await root.close()
  const path = join(root.directory, 'a', '.inject-uploads', session.id)
  await rm(`${path}.state`)
  await execa('mkfifo', [`${path}.state`])
  const later = await (await openRootAt(root.directory)).openRepository('a')
  const resumed = await later?.resumeUpload(session.id)
  await resumed?.append(streamOf(bytesOf('rest')), {at: 6})
  expect((await resumed?.finish(digestOf(bytesOf('known rest'))))?.size).toBe(10)
  expect(
    await readFile(
      layoutPaths.blob(join(root.directory, 'a'), digestOf(bytesOf('known rest'))),
      'utf8',
    ),
  ).toBe('known rest')

  const other = await later?.startUpload()
  await other?.append(streamOf(bytesOf('x')))
  await rm(join(root.directory, 'a', '.inject-uploads', other?.id ?? ''))
  await execa('mkfifo', [join(root.directory, 'a', '.inject-uploads', other?.id ?? '')])
  await expect(other?.append(streamOf(bytesOf('x')))).rejects.toMatchObject({name: 'LocalIoError'})
})
