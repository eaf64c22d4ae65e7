import {execa} from 'execa'
import {mkdirSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {expect, it, onTestFinished} from 'vitest'
import * as library from '../src/index.js'
import {openRepositoryRoot} from '../src/store/served/open-root.js'
import {makeLayoutImage} from './support/layout-image.js'
import {serveRegistry} from './support/served-registry.js'
import {tempDir} from './support/temp-dir.js'

const project = fileURLToPath(new URL('..', import.meta.url))

/** A served image, and a directory with one file. */
async function start() {
  const folder = await tempDir()
  const tree = join(folder, 'tree')
  mkdirSync(tree)
  writeFileSync(join(tree, 'file'), 'content')
  await makeLayoutImage(join(folder, 'root'))
  const root = await openRepositoryRoot(join(folder, 'root'))
  onTestFinished(() => root.close())
  const {address} = await serveRegistry({root})
  return {folder, tree, image: `${address}/images:v1`}
}

it('the example in the documentation does what it says', async () => {
  const {folder, image} = await start()
  const [, code = ''] =
    /```js\n(.*?)```/s.exec(readFileSync(join(project, 'docs/library.md'), 'utf8')) ?? []
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(project, join(folder, 'node_modules/inject'))
  const example = join(folder, 'example.mjs')
  writeFileSync(example, code.replace('registry.example/team/app:v1', image))
  const run = () => execa(process.execPath, [example], {cwd: folder})
  const {stdout, stderr} = await run()
  expect(stdout).toMatch(/^v1-data is sha256:[0-9a-f]{64} now\nmodels at \/opt\/models$/)
  expect(stderr).toBe('')
  expect((await run()).stdout).toMatch(/^nothing to do\n/)
})

it('reads and compares without unpacking', async () => {
  const {folder, tree, image} = await start()
  await library.update(image, tree, {tags: ['one']})
  const one = image.replace(/:v1$/, ':one')
  const {files} = await library.listFiles(one, {recursive: true})
  expect(files).toMatchObject([{path: 'file', type: 'file', size: 7}])
  const {content} = await library.readFile(one, 'file')
  expect(Buffer.from(content ?? []).toString()).toBe('content')
  const parts: string[] = []
  const write = (bytes: Uint8Array): void => void parts.push(Buffer.from(bytes).toString())
  expect(await library.readFile(`${one}#cvmfs`, '/file', {write})).not.toHaveProperty('content')
  expect(parts.join('')).toBe('content')

  expect(await library.diff(`${one}#`, tree)).toMatchObject({differs: false})
  writeFileSync(join(tree, 'file'), 'changed')
  const {images} = await library.diff(one, tree, {ignore: ['time']})
  expect(images[0]?.changes).toMatchObject([{change: 'changed', aspects: ['content']}])
  const whole = await library.diff(image, one, {view: 'counts'})
  expect(whole.images[0]).toMatchObject({files: {added: {paths: 1}}, pull: {layers: 1, of: 2}})
  await expect(library.listFiles(one, {path: 'none'})).rejects.toThrow(library.NotFoundError)
  await expect(library.diff(one, join(folder, 'none'))).rejects.toThrow(library.LocalIoError)
  await expect(library.diff(one, tree, {ignored: []} as object)).rejects.toThrow(library.UsageError)
})

it('goes through the life of a slot', async () => {
  const {folder, tree, image} = await start()
  const before = await library.inspect(image)
  const events: library.ProgressEvent[] = []
  const set = await library.setup(image, {onEvent: (event) => events.push(event)})
  expect(set).toMatchObject({changed: true, slot: {name: 'cvmfs', path: '/'}})
  expect(events.map(({kind}) => kind)).toContain('step')
  const updated = await library.update(image, tree, {compression: 'none', exclude: ['nothing']})
  expect(updated).toMatchObject({changed: true, tags: ['v1']})

  const out = join(folder, 'out')
  const {entries} = await library.unpack(image, out, {platform: 'linux/amd64'})
  expect(entries).toBe(1)
  expect(readFileSync(join(out, 'file'), 'utf8')).toBe('content')

  const copied = await library.copy(image, `oci:${join(folder, 'copy')}:v2`)
  expect(copied).toMatchObject({digest: updated.digest})
  const removed = await library.remove(image, {tags: ['back']})
  expect(removed).toMatchObject({original: true, digest: before.digest})
})

it.each([
  ['a misspelled option', {tag: 'other'}, 'update has no option "tag"'],
  ['a flag', {'dry-run': true}, 'update has no option "dry-run"'],
  ['a text for a list', {tags: 'v1'}, 'the option "tags" of update must be a list'],
  ["a flag's text", {owner: '5:5'}, 'the option "owner" of update'],
  ['a time as a text', {created: 'now'}, 'the option "created" of update must be a number'],
  ['no way to compress', {compression: 'bzip2'}, 'must be one of gzip, zstd, zstd:chunked, none'],
  ['all in a list', {edits: {label: ['a=b']}}, 'update has no option "edits.label"'],
  ['what is ours', {edits: {labels: {x_injection_tar: 'x'}}}, 'inject knows its slots'],
])('refuses %s before anything is done', async (_, options, message) => {
  const {tree, image} = await start()
  const before = await library.inspect(image)
  const refused = library.update(image, tree, options as never)
  await expect(refused).rejects.toThrow(library.UsageError)
  await expect(refused).rejects.toThrow(message)
  await expect(library.update(undefined as never, tree)).rejects.toThrow(library.UsageError)
  await expect(library.inspect('')).rejects.toThrow(library.UsageError)
  expect(await library.inspect(image)).toEqual(before)
})

it('takes every option', async () => {
  const {tree, image} = await start()
  const {signal} = new AbortController()
  const common = {signal, onEvent: () => undefined, plainHttp: true, insecure: false, mirrors: []}
  const result = {
    ...common,
    name: 'a',
    tags: ['b'],
    platforms: ['linux/amd64'],
    attestations: 'keep',
    onConflict: 'retry',
    noClobber: false,
    dryRun: false,
  } as const
  const layer = {
    ...result,
    path: '/a',
    created: 1,
    compression: 'gzip',
    level: 9,
    toOci: false,
    parents: 'dir',
  } as const
  const edits = {
    env: {A: '1', B: null},
    labels: {l: 'm'},
    entrypoint: ['x'],
    cmd: null,
    workdir: '/',
    user: '1',
  }
  const before = await library.inspect(image)
  expect(await library.setup(image, layer)).toMatchObject({changed: true, tags: ['b']})
  const updated = await library.update(image.replace(/v1$/, 'b'), tree, {
    ...layer,
    layers: 2,
    owner: {uid: 1, gid: 2},
    exclude: ['nothing'],
    whiteouts: true,
    chunkSize: 1_000_000,
    edits,
  })
  expect(updated).toMatchObject({changed: true, tags: ['b']})
  const removed = await library.remove(image.replace(/v1$/, 'b'), {...result, base: 'v1'})
  expect(removed).toMatchObject({tags: ['b'], original: true})
  expect(await library.inspect(image)).toEqual(before)
})

it('says what is wrong by the kind of its errors', async () => {
  const {tree, image} = await start()
  await expect(library.update(image, tree, {name: 'no name'})).rejects.toThrow(library.UsageError)
  await expect(library.update(image, tree, {platforms: ['?']})).rejects.toThrow(library.UsageError)
  const stopped = library.update(image, tree, {signal: AbortSignal.abort(new Error('enough'))})
  await expect(stopped).rejects.toThrow('enough')
  const credentials = {username: 'me', password: 'mine'}
  await expect(library.inspect(`${image}-not`, {credentials})).rejects.toThrow(
    library.NotFoundError,
  )
})

it('takes an image over an air gap', async () => {
  const {folder, image} = await start()
  const file = join(folder, 'bundle.tar')
  const {images, bundle} = await library.saveBundle([image], file)
  const to = `oci:${join(folder, 'other')}`
  const receipt = await library.loadBundle(file, to, {dryRun: false})
  expect(receipt).toMatchObject({bundle, images: [{digest: images[0]?.digest}]})
  expect((await library.listBlobs(to)).digests).toContain(images[0]?.digest)
  await expect(library.loadBundle(file, to, {dry: true} as object)).rejects.toThrow(
    library.UsageError,
  )
})
