import {execa} from 'execa'
import {mkdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {inject, injectJson} from '../support/cli.js'
import {openRegistry} from '../support/open-registry.js'
import {putLayers} from '../support/bundles.js'
import {makeEntry, putImage} from '../support/put-image.js'
import {serveRegistry} from '../support/served-registry.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'

it('takes a nightly change of a divided slot over the gap, by have and by since', async () => {
  const {address} = await serveRegistry()
  await putImage(openRegistry(address).store, {layers: [{entries: [makeEntry('etc/')]}]})
  const folder = await tempDir()
  const tree = join(folder, 'tree')
  for (let at = 0; at < 40; at++) {
    mkdirSync(join(tree, `part${at}`), {recursive: true})
    for (let file = 0; file < 20; file++)
      writeFileSync(join(tree, `part${at}`, `file${file}`), noise(20_000, at * 100 + file))
  }
  const image = `${address}/team/app`
  const run = async (args: readonly string[]) => {
    const result = await inject(args, {cwd: folder})
    expect(result.stderr).not.toContain('inject: cannot')
    expect(result.exitCode).toBe(0)
    return result
  }
  await run(['update', `${image}:v1`, tree, '--tag', 'night', '--layers', '20'])
  await run(['save', `${image}:night`, '--bundle', '-o', '1.tar'])
  const first = await injectJson(['load', '1.tar', './site'], {cwd: folder})
  writeFileSync(join(tree, 'part7/file3'), noise(20_000, 9999))
  await run(['update', `${image}:v1`, tree, '--tag', 'night', '--layers', '20'])
  const {stdout} = await run(['have', './site'])
  writeFileSync(join(folder, 'have.txt'), `${stdout}\n`)
  await run(['save', `${image}:night`, '--have', 'have.txt', '-o', 'have.tar'])
  await run(['save', `${image}:night`, '--since', '1.tar', '-o', '2.tar'])
  const {size: full} = statSync(join(folder, '1.tar'))
  for (const name of ['have.tar', '2.tar'])
    expect(statSync(join(folder, name)).size).toBeLessThan(full * 0.15)

  const receipt = await injectJson(['load', '2.tar', './site'], {cwd: folder})
  expect(receipt).toMatchObject({
    images: [
      {tags: ['night'], moved: [{tag: 'night', from: expect.stringMatching(/^sha256:/) as string}]},
    ],
  })
  expect(receipt['bundle']).not.toBe(first['bundle'])
  expect((await inject(['store', 'check', join(folder, 'site')])).exitCode).toBe(0)

  rmSync(join(folder, 'site'), {recursive: true})
  const refused = await inject(['load', '2.tar', './site'], {cwd: folder})
  expect(refused.exitCode).toBe(11)
  expect(refused.stderr).toContain('the bundle "1.tar"')
})

it.each([
  ['--legacy', '--bundle'],
  ['--compression', 'gzip', '--bundle'],
  ['--format', 'fast', '--bundle'],
])('refuses %s with a bundle', async (...flags) => {
  const result = await inject(['save', 'registry.example/a:v1', '-o', 'x.tar', ...flags])
  expect(result.exitCode).toBe(2)
})

describeWith(['skopeo'], 'other tools', () => {
  it('skopeo reads a full bundle, and a layout that a chain was loaded into', async () => {
    const {address} = await serveRegistry()
    const {store} = openRegistry(address)
    const folder = await tempDir()
    const image = `${address}/team/app`
    await putLayers(store, ['base', 'one:10'], 'v1')
    await putLayers(store, ['base', 'two:10'], 'v2')
    const save = (tag: string, file: string, ...more: string[]) =>
      inject(['save', `${image}:${tag}`, '-o', join(folder, file), ...more])
    await save('v1', '1.tar', '--bundle')
    await save('v2', '2.tar', '--since', join(folder, '1.tar'))
    const layout = join(folder, 'layout')
    for (const file of ['1.tar', '2.tar'])
      expect((await inject(['load', join(folder, file), `oci:${layout}`])).exitCode).toBe(0)
    const copied = async (source: string) => {
      const target = join(await tempDir(), 'copy')
      await execa('skopeo', ['--insecure-policy', 'copy', source, `dir:${target}`])
      return readFileSync(join(target, 'manifest.json'))
    }
    const v1 = await store.getManifest('v1')
    const v2 = await store.getManifest('v2')
    expect(await copied(`oci-archive:${join(folder, '1.tar')}:v1`)).toEqual(Buffer.from(v1!.bytes))
    expect(await copied(`oci:${layout}:${image}:v2`)).toEqual(Buffer.from(v2!.bytes))
  })
})

/** Bytes that do not compress, the same for the same number. */
function noise(size: number, seed: number): Buffer {
  const bytes = Buffer.alloc(size)
  let state = seed + 1
  for (let at = 0; at < size; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    bytes[at] = state >>> 16
  }
  return bytes
}
