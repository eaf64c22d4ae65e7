import {mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it, onTestFinished} from 'vitest'
import {openRepositoryRoot} from '../../src/store/served/open-root.js'
import {inject, injectJson} from '../support/cli.js'
import {makeLayoutImage} from '../support/layout-image.js'
import {send, serveRegistry} from '../support/served-registry.js'
import {tempDir} from '../support/temp-dir.js'

/** A served image, and a directory with one file. */
async function start() {
  const folder = await tempDir()
  const tree = join(folder, 'tree')
  mkdirSync(join(tree, 'cvmfs'), {recursive: true})
  writeFileSync(join(tree, 'cvmfs/file'), 'content')
  await makeLayoutImage(join(folder, 'root'))
  const root = await openRepositoryRoot(join(folder, 'root'))
  onTestFinished(() => root.close())
  const {address, records} = await serveRegistry({root})
  const digestOfTag = async (tag: string) =>
    (await send(address, 'HEAD', `/v2/images/manifests/${tag}`)).headers['docker-content-digest']
  return {image: `${address}/images`, tree, records, digestOfTag}
}

it('X2 many that update one tag at once, each its own slot: none is lost', async () => {
  const {image, tree} = await start()
  const names = Array.from({length: 8}, (_, index) => `slot${index}`)
  const results = await Promise.all(
    names.map((name) =>
      inject(['update', `${image}:v1`, tree, '--name', name, '--on-conflict', 'retry']),
    ),
  )
  for (const {exitCode, stderr} of results) expect(exitCode, stderr).toBe(0)
  const {slots} = await injectJson(['inspect', `${image}:v1`])
  expect((slots as {name: string}[]).map(({name}) => name).sort()).toEqual(names)
})

it('a new round packs nothing and sends no layer again', async () => {
  const {image, tree, records} = await start()
  const one = await Promise.all(
    ['a', 'b', 'c', 'd'].map((name) =>
      inject(['update', `${image}:v1`, tree, '--name', name, '--on-conflict', 'retry']),
    ),
  )
  for (const {exitCode, stderr} of one) {
    expect(exitCode, stderr).toBe(0)
    expect(stderr.match(/pack and push/g)).toHaveLength(1)
  }
  const refused = records.filter(({status}) => status === 412)
  const begun = one.flatMap(({stderr}) => stderr.match(/starting again from there/g) ?? [])
  expect(begun.length).toBeGreaterThanOrEqual(refused.length)
})

it('--no-clobber moves no tag that names another image, and sends nothing for it', async () => {
  const {image, tree, records, digestOfTag} = await start()
  const args = ['update', `${image}:v1`, tree, '--tag', 'v2', '--no-clobber']
  const first = await injectJson(args)
  expect(first).toMatchObject({tags: ['v2']})
  // the same again is what is there: a job may run twice
  expect(await injectJson(args)).toMatchObject({digest: first['digest'], tags: []})

  writeFileSync(join(tree, 'cvmfs/file'), 'other content')
  const sent = records.length
  for (const more of [[], ['--dry-run']]) {
    const other = await inject([...args, ...more])
    expect(other.exitCode).toBe(7)
    expect(other.stderr).toContain(`tag "v2" of ${image} exists: it is ${String(first['digest'])}`)
  }
  const methods = new Set(records.slice(sent).map(({method}) => method))
  expect([...methods].sort()).toEqual(['GET', 'HEAD'])
  expect(await digestOfTag('v2')).toBe(first['digest'])
  expect((await inject(['update', `${image}:v1`, tree, '--no-clobber'])).exitCode).toBe(7)
})

it('setup --no-clobber does the same', async () => {
  const {image, digestOfTag} = await start()
  const args = ['setup', `${image}:v1`, '--tag', 'v2', '--no-clobber']
  const {digest} = await injectJson(args)
  expect(await injectJson(args)).toMatchObject({digest, tags: []})
  expect((await inject([...args, '--name', 'other'])).exitCode).toBe(7)
  expect(await digestOfTag('v2')).toBe(digest)
  expect((await inject(['setup', `${image}:v1`, '--no-clobber'])).exitCode).toBe(7)
})
