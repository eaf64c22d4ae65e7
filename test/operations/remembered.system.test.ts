import {execaSync} from 'execa'
import fc from 'fast-check'
import {
  chmodSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it, onTestFinished} from 'vitest'
import {openMemoryFile} from '../../src/layer/memory/memory-file.js'
import {parseReference} from '../../src/oci/names/reference.js'
import type {IndexInjectionResult} from '../../src/operations/injection/describe-index.js'
import type {InjectionResult} from '../../src/operations/injection/describe-image.js'
import {unpack} from '../../src/operations/unpack.js'
import {update} from '../../src/operations/update.js'
import {createMemoryStore} from '../../src/store/memory-store.js'
import {mountTmpfs} from '../disk/tmpfs.js'
import {putIndex} from '../support/layout-index.js'
import {mayMount} from '../support/may-mount.js'
import {operationPorts} from '../support/operation-ports.js'
import {runs} from '../support/property-runs.js'
import {makeEntry, putImage} from '../support/put-image.js'
import {tempDir} from '../support/temp-dir.js'
import {type UpdateOptions, updateRequest} from '../support/update-options.js'

const reference = parseReference('registry.example/team/app:v1')
const base = {layers: [{entries: [makeEntry('etc/')]}]}

/** Sixteen directories of eight files, 4 KB each, in `tree`; nothing is older than a second. */
function makeTree(tree: string): void {
  for (let i = 0; i < 128; i++) {
    const folder = join(tree, 'cvmfs', `part${i % 16}`)
    mkdirSync(folder, {recursive: true})
    writeFileSync(join(folder, `file${i}`), Buffer.alloc(4000, `${i} text `))
  }
  linkSync(join(tree, 'cvmfs/part1/file1'), join(tree, 'cvmfs/part9/link1'))
  symlinkSync('nowhere', join(tree, 'cvmfs/symlink'))
}

/** An update that remembers, and one of an equal image that reads everything. */
async function start(place?: string) {
  const folder = place ?? (await tempDir())
  const tree = join(folder, 'tree')
  makeTree(tree)
  const cache = join(await tempDir(), 'trees')
  const [store, other] = [createMemoryStore('one'), createMemoryStore('other')]
  for (const each of [store, other]) await putImage(each, base)
  // by its clock everything was touched an hour ago
  const options = {folder: cache, now: () => Date.now() + 3_600_000}
  const openMemory = (place: {directory: string; slot: string}) => openMemoryFile(place, options)

  /** Updates both images; `read` are the bytes of tar that the one with a memory read. */
  const put = async (more: Partial<UpdateOptions> = {}) => {
    const request = updateRequest({directory: tree, reference, ...more})
    const ports = operationPorts(store)
    const result = (await update(request, {...ports, openMemory})) as InjectionResult
    const verified = (await update(request, operationPorts(other))) as InjectionResult
    expect(result.digest).toBe(verified.digest)
    expect(result.changed).toBe(verified.changed)
    const steps: number[] = [0]
    for (const event of ports.events) {
      if (event.kind === 'step') steps.push(0)
      if (event.kind === 'bytes') steps[steps.length - 1] = event.done
    }
    return {...result, read: steps.reduce((sum, done) => sum + done, 0), said: ports.said}
  }
  const unpackTo = async (directory = tree) => {
    const how = {name: 'cvmfs', force: true, devices: false, strict: true}
    await unpack({reference, directory, ...how}, {...operationPorts(store), openMemory})
  }
  return {folder, tree, cache, store, openMemory, put, unpackTo}
}

/** Until the file system's clock has gone on: what is touched now can be seen to be. */
function tick(tree: string): void {
  const times = readdirSync(tree, {recursive: true, encoding: 'utf8'}).map((name) => {
    return statSync(join(tree, name), {bigint: true, throwIfNoEntry: false})?.ctimeNs ?? 0n
  })
  const newest = times.reduce((one, two) => (one > two ? one : two), 0n)
  const {mode} = statSync(tree)
  while (statSync(tree, {bigint: true}).ctimeNs <= newest) chmodSync(tree, mode & 0o7777)
}

const whole = 128 * 4096
/** Most of what one of eight layers is read for, hashed and packed. */
const oneLayer = whole / 2

it('a divided slot gets a file that an update of a slot in one layer has seen before', async () => {
  const {tree, put} = await start()
  const at = (tag: string) => parseReference(`registry.example/team/app:${tag}`)
  await put({tags: ['whole']})
  await put({tags: ['divided'], layers: 8})
  writeFileSync(join(tree, 'cvmfs/part5/file5'), Buffer.alloc(4000, 'other'))
  await put({reference: at('whole'), tags: ['whole']})
  expect(await put({reference: at('divided'), tags: ['divided']})).toMatchObject({changed: true})
})

describe.each([{}, {layers: 8}] as const)('an update with a memory (%j)', (layers) => {
  it('reads nothing of a directory that nobody touched', async () => {
    const {put} = await start()
    expect((await put(layers)).read).toBeGreaterThan(whole)
    expect(await put(layers)).toMatchObject({changed: false, read: 0, said: []})
    expect(await put({...layers, dryRun: true})).toMatchObject({changed: false, read: 0})
    expect(await put({...layers, noClobber: true})).toMatchObject({changed: false, read: 0})
  })

  it('reads nothing of what unpack wrote', async () => {
    const {put, unpackTo} = await start()
    await put(layers)
    await unpackTo()
    expect(await put(layers)).toMatchObject({changed: false, read: 0})
    await unpackTo()
    expect(await put(layers)).toMatchObject({changed: false, read: 0})
  })

  it('sees a change within the tick after unpack', async () => {
    const {tree, put, unpackTo} = await start()
    await put(layers)
    for (let i = 0; i < 5; i++) {
      await unpackTo()
      const file = join(tree, 'cvmfs/part15/file127')
      const {atime, mtime} = statSync(file)
      writeFileSync(file, Buffer.alloc(4000, `${i}changed`))
      utimesSync(file, atime, mtime)
      expect(await put(layers)).toMatchObject({changed: true})
    }
  })

  const edits: Record<string, (tree: string) => void> = {
    'a file was replaced by one of the same size and time': (tree) => {
      const file = join(tree, 'cvmfs/part3/file3')
      const {atime, mtime} = statSync(file)
      writeFileSync(join(tree, 'new'), Buffer.alloc(4000, 'other '))
      utimesSync(join(tree, 'new'), atime, mtime)
      renameSync(join(tree, 'new'), file)
    },
    'a file that has two names was written to': (tree) =>
      writeFileSync(join(tree, 'cvmfs/part9/link1'), Buffer.alloc(4000, 'other ')),
    'two files of the same size and time have exchanged names': (tree) => {
      const names = ['cvmfs/part3/file3', 'cvmfs/part4/file4', 'aside'].map((n) => join(tree, n))
      const [one = '', two = '', aside = ''] = names
      renameSync(one, aside)
      renameSync(two, one)
      renameSync(aside, two)
    },
    'it was replaced by a copy with other content and the same times': (tree) => {
      cpSync(tree, `${tree}2`, {recursive: true, preserveTimestamps: true})
      const file = join(`${tree}2`, 'cvmfs/part3/file3')
      const {atime, mtime} = statSync(file)
      writeFileSync(file, Buffer.alloc(4000, 'other '))
      utimesSync(file, atime, mtime)
      rmSync(tree, {recursive: true})
      renameSync(`${tree}2`, tree)
    },
    'a mode is another one': (tree) => chmodSync(join(tree, 'cvmfs/part3/file3'), 0o700),
    'a file is older than it was': (tree) => utimesSync(join(tree, 'cvmfs/part3/file3'), 1, 1),
  }
  for (const [title, edit] of Object.entries(edits)) {
    it(`sees that ${title}`, async () => {
      const {tree, put} = await start()
      await put(layers)
      tick(tree)
      edit(tree)
      expect(await put(layers)).toMatchObject({changed: true})
      expect(await put(layers)).toMatchObject({changed: false, read: 0})
    })
  }

  it('sees flags that change the layer, and reads again for no others', async () => {
    const {put, tree} = await start()
    await put(layers)
    const flags: Partial<UpdateOptions>[] = [
      {owner: {uid: 7, gid: 7}},
      {chmod: [{classes: 0o7777, action: '=', bits: 0o750, maybeExecute: 0}]},
      {created: 1_000_000_000},
      {exclude: ['file3']},
      {path: '/opt/data'},
    ]
    for (const each of flags) {
      expect(await put({...layers, ...each})).toMatchObject({changed: true})
      expect(await put({...layers, ...each})).toMatchObject({changed: false, read: 0})
    }
    await put({...layers, path: '/'})
    expect((await put({...layers, compression: 'none'})).read).toBe(0)
    expect(existsSync(tree)).toBe(true)
  })

  it('reads everything when its memory is damaged, and recreates it', async () => {
    const {put, cache} = await start()
    await put(layers)
    const path = join(cache, readdirSync(cache)[0] ?? '')
    writeFileSync(path, readFileSync(path).subarray(0, 100))
    expect((await put(layers)).read).toBeGreaterThan(whole)
    expect((await put(layers)).read).toBe(0)
  })

  it('two updates of one directory at once', async () => {
    const {tree, put, store, openMemory} = await start()
    await put(layers)
    tick(tree)
    writeFileSync(join(tree, 'cvmfs/part3/file3'), Buffer.alloc(4000, 'other '))
    const tags = ['a', 'b'].map((tag) => updateRequest({directory: tree, ...layers, tags: [tag]}))
    const results = await Promise.all(
      tags.map((each) => update(each, {...operationPorts(store), openMemory})),
    )
    expect(new Set(results.map(({digest}) => digest)).size).toBe(1)
    expect(await put({...layers, dryRun: true})).toMatchObject({changed: true, read: 0})
  })

  it('all images of an index, each platform with a directory of its own or not', async () => {
    const {folder, tree, openMemory} = await start()
    const store = createMemoryStore('index')
    await putIndex(store, {platforms: ['linux/amd64', 'linux/arm64']})
    cpSync(tree, join(folder, 'tree-amd64'), {recursive: true})
    cpSync(tree, join(folder, 'tree-arm64'), {recursive: true})
    for (const directory of [tree, join(folder, 'tree-{arch}')]) {
      const run = async () => {
        const ports = operationPorts(store)
        const request = updateRequest({directory, platforms: 'all', ...layers})
        const {changed} = (await update(request, {...ports, openMemory})) as IndexInjectionResult
        return {changed, read: ports.events.some(({kind}) => kind === 'bytes')}
      }
      await run()
      expect(await run()).toEqual({changed: false, read: false})
    }
  })
})

describe('an update of a divided slot with a memory', () => {
  it('reads only the layers in which a file was touched', async () => {
    const {tree, put} = await start()
    const {layers} = await put({layers: 8})
    expect(layers.count).toBeGreaterThan(4)
    tick(tree)
    writeFileSync(join(tree, 'cvmfs/part3/file3'), Buffer.alloc(4000, 'other '))
    const again = await put({layers: 8})
    expect(again.layers.new).toBe(1)
    expect(again.read).toBeGreaterThan(0)
    expect(again.read).toBeLessThan(oneLayer)
  })

  it('reads a layer once if something in it is newer than all known layers', async () => {
    const {tree, put} = await start()
    await put({layers: 8})
    const file = join(tree, 'cvmfs/part3/file3')
    const putWithTime = async (content: string, seconds: number) => {
      tick(tree)
      writeFileSync(file, Buffer.alloc(4000, content))
      utimesSync(file, seconds, seconds)
      const again = await put({layers: 8})
      expect(again.layers.new).toBe(1)
      return again.read
    }
    const older = await putWithTime('other ', 1000)
    const newer = await putWithTime('newer ', Math.ceil(Date.now() / 1000) + 60)
    expect(older).toBe(2 * newer)
    // the layer that it has now is as new
    expect(await putWithTime('another ', Math.ceil(Date.now() / 1000) + 1)).toBe(older)
  })

  it('reads only those of what unpack wrote, too', async () => {
    const {tree, put, unpackTo} = await start()
    await put({layers: 8})
    await unpackTo()
    writeFileSync(join(tree, 'cvmfs/part3/file3'), Buffer.alloc(4000, 'other '))
    const again = await put({layers: 8})
    expect(again.layers.new).toBe(1)
    expect(again.read).toBeLessThan(oneLayer)
  })

  it('packs a layer again that the repository has lost, though nothing changed', async () => {
    const {tree, put, openMemory} = await start()
    await put({layers: 8})
    const store = createMemoryStore('empty')
    await putImage(store, base)
    const request = updateRequest({directory: tree, layers: 8})
    const result = (await update(request, {
      ...operationPorts(store),
      openMemory,
    })) as InjectionResult
    expect(result.layers.new).toBe(result.layers.count)
    expect((await put({layers: 8})).digest).toBe(result.digest)
  })

  it('keeps the attributes of files in a layer that is packed again', async () => {
    const {tree, put} = await start()
    const file = join(tree, 'cvmfs/part3/file3')
    execaSync('setfattr', ['-n', 'user.note', '-v', 'kept', file])
    await put({layers: 8})
    tick(tree)
    writeFileSync(file, Buffer.alloc(4000, 'other '))
    // compares it with an update that walks again
    expect(await put({layers: 8})).toMatchObject({changed: true})
    execaSync('setfattr', ['-n', 'user.note', '-v', 'more', file])
    expect(await put({layers: 8})).toMatchObject({changed: true})
  })
})

describe.runIf(mayMount())('an update with a memory, of mounts (needs root)', () => {
  it('sees another file that is mounted over one, and its end', async () => {
    const {tree, put} = await start()
    const file = join(tree, 'cvmfs/part3/file3')
    const {atime, mtime} = statSync(file)
    const over = join(await tempDir(), 'over')
    writeFileSync(over, Buffer.alloc(4000, 'other '))
    utimesSync(over, atime, mtime)
    const first = await put()
    execaSync('mount', ['--bind', over, file])
    onTestFinished(() => void execaSync('umount', ['-l', file], {reject: false}))
    expect(await put()).toMatchObject({changed: true})
    execaSync('umount', [file])
    expect((await put()).layer.diffId).toBe(first.layer.diffId)
  })

  it('sees what is written to an overlay: a file is copied up', async () => {
    const {tree, put, folder} = await start()
    const merged = join(folder, 'merged')
    const scratch = await mountTmpfs('size=16m')
    if (!scratch) throw new Error('no tmpfs')
    mkdirSync(join(scratch, 'upper'))
    mkdirSync(join(scratch, 'work'))
    mkdirSync(merged)
    const how = `lowerdir=${tree},upperdir=${scratch}/upper,workdir=${scratch}/work`
    execaSync('mount', ['-t', 'overlay', 'overlay', '-o', how, merged])
    onTestFinished(() => void execaSync('umount', ['-l', merged], {reject: false}))
    await put({directory: merged})
    expect(await put({directory: merged})).toMatchObject({changed: false, read: 0})
    const file = join(merged, 'cvmfs/part3/file3')
    const {atime, mtime} = statSync(file)
    writeFileSync(file, Buffer.alloc(4000, 'other '))
    utimesSync(file, atime, mtime)
    expect(await put({directory: merged})).toMatchObject({changed: true})
    expect(existsSync(join(scratch, 'upper/cvmfs/part3/file3'))).toBe(true)
  })

  it('a file system in memory, and another one in its place', async () => {
    const place = await mountTmpfs('size=16m')
    if (!place) throw new Error('no tmpfs')
    const {tree, put} = await start(place)
    await put()
    expect(await put()).toMatchObject({changed: false, read: 0})
    execaSync('umount', [place])
    execaSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', place])
    makeTree(tree)
    writeFileSync(join(tree, 'cvmfs/part3/file3'), Buffer.alloc(4000, 'other '))
    expect((await put()).read).toBeGreaterThan(whole)
  })
})

/** What may be done to a tree of files `f0` to `f7` in directories `d0` to `d2`. */
const edit = fc.record({
  what: fc.constantFrom(
    ...(['write', 'same size', 'rename', 'exchange', 'remove', 'link', 'mode', 'time'] as const),
    ...(['symlink', 'directory', 'copy', 'unpack', 'put', 'put'] as const),
  ),
  one: fc.nat(23),
  two: fc.nat(23),
  value: fc.nat(255),
  layers: fc.constantFrom(1, 3),
  owner: fc.constantFrom(undefined, {uid: 0, gid: 0}),
})

describe('P25 whatever is done to a directory', () => {
  it('an update with a memory gives what one without it gives', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(edit, {minLength: 3, maxLength: 14}), async (edits) => {
        const {tree, put, unpackTo} = await start()
        rmSync(tree, {recursive: true})
        const pathOf = (at: number) => join(tree, `d${at % 3}`, `f${at % 8}`)
        for (let i = 0; i < 24; i++) {
          mkdirSync(join(tree, `d${i % 3}`), {recursive: true})
          writeFileSync(pathOf(i), Buffer.alloc(600, `${i} `))
        }
        await put({layers: 3})
        for (const {what, one, two, value, layers, owner} of edits) {
          tick(tree)
          const [path, other] = [pathOf(one), pathOf(two)]
          const isFile = existsSync(path) && statSync(path).isFile()
          mkdirSync(join(other, '..'), {recursive: true})
          mkdirSync(join(path, '..'), {recursive: true})
          const isFree = !existsSync(other) && path !== other
          if (what === 'put') await put({layers, owner})
          else if (what === 'unpack') await unpackTo()
          else if (what === 'symlink' && isFree) symlinkSync(`${value}`, other)
          else if (what === 'directory' && isFree) mkdirSync(other)
          else if (what === 'write' && isFile) writeFileSync(path, Buffer.alloc(value * 5, 'x'))
          else if (!isFile) continue
          else if (what === 'same size') {
            const {size, atime, mtime} = statSync(path)
            writeFileSync(path, Buffer.alloc(size, `${value} `))
            utimesSync(path, atime, mtime)
          } else if (what === 'rename' && isFree) renameSync(path, other)
          else if (what === 'exchange' && existsSync(other) && path !== other) {
            renameSync(path, join(tree, 'aside'))
            renameSync(other, path)
            renameSync(join(tree, 'aside'), other)
          } else if (what === 'remove') rmSync(path)
          else if (what === 'link' && isFree) linkSync(path, other)
          else if (what === 'mode') chmodSync(path, 0o400 + (value % 64))
          else if (what === 'time') utimesSync(path, value, value)
          else if (what === 'copy' && isFree) cpSync(path, other, {preserveTimestamps: true})
        }
        await put({layers: 3})
        await put({layers: 1})
      }),
      {numRuns: runs(0.5)},
    )
  }, 180_000)
})
